using Deepseek.Inference.Layers;
using Deepseek.Inference.Models;
using TorchSharp;

namespace Deepseek.Inference.Tests.Models;

[Collection(nameof(WholeProcess))]
public sealed class ThreadsTests
{
    [Fact]
    public async Task Forward_ThreadsOfTheModel_HoldOnEveryCallingThread()
    {
        var before = torch.get_num_threads();
        using var one = await Fixture.LoadAsync("distill-llama", new ModelOptions { Threads = 1 });
        using var three = await Fixture.LoadAsync("distill-llama", new ModelOptions { Threads = 3 });

        int[] counts = [.. OnNewThread(() => ThreadsOfPass(one)), .. OnNewThread(() => ThreadsOfPass(three)), .. OnNewThread(() => [.. ThreadsOfPass(three), .. ThreadsOfPass(one), .. ThreadsOfPass(three)])];

        Assert.Equal([1, 3, 3, 1, 3], counts);
        OnNewThread(() =>
        {
            torch.set_num_threads(before); // what threads of later tests begin with
            return [];
        });
    }

    private static int[] ThreadsOfPass(LanguageModel model)
    {
        var counter = new Counter();
        using var cache = model.CreateCache();
        model.Observe(new[] { 1, 2 }, cache, LogitRows.Last, counter, default).Dispose();
        return [counter.Threads];
    }

    private static int[] OnNewThread(Func<int[]> function)
    {
        int[] result = [];
        var thread = new Thread(() => result = function());
        thread.Start();
        thread.Join();
        return result;
    }

    private sealed class Counter : IForwardObserver
    {
        public int Threads { get; private set; }

        public void OnHidden(int index, torch.Tensor hidden) => Threads = torch.get_num_threads();

        public void OnRouting(int layer, Routing routing)
        {
            // A dense model routes nothing.
        }
    }
}
