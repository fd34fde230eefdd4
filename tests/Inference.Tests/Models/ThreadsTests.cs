using Deepseek.Inference.Models;
using TorchSharp;

namespace Deepseek.Inference.Tests.Models;

[Collection(nameof(WholeProcess))]
public sealed class ThreadsTests
{
    [Fact]
    public async Task LoadAsync_Threads_SetsLibtorchsOwn()
    {
        var before = torch.get_num_threads();
        try
        {
            using var one = await Fixture.LoadAsync("distill-llama", new ModelOptions { Threads = 1 });
            Assert.Equal(1, torch.get_num_threads());

            using var three = await Fixture.LoadAsync("distill-llama", new ModelOptions { Threads = 3 });
            using var unset = await Fixture.LoadAsync("distill-llama");
            Assert.Equal(3, torch.get_num_threads());
        }
        finally
        {
            torch.set_num_threads(before);
        }
    }
}
