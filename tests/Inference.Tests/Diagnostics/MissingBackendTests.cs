using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Diagnostics;

public sealed class MissingBackendTests
{
    [Fact]
    public async Task EnsureLoaded_ApplicationWithoutABackend_SaysWhatToReference()
    {
        // This assembly again, beside none of libtorch's files: without a list of dependencies the host takes what lies in the folder.
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory).Where(file => Path.GetExtension(file) is ".dll" or ".json" && !file.EndsWith(".deps.json", StringComparison.Ordinal)))
            File.Copy(file, folder.File(Path.GetFileName(file)));

        var (exitCode, output, errors) = await TestProcess.RunAsync(
            folder.File("Inference.Tests.dll"), new Dictionary<string, string>(), "--filter-method", $"{typeof(TorchNativeTests).FullName}.{nameof(TorchNativeTests.EnsureLoaded_ThisSystem_ComputesWithTorch)}");

        Assert.NotEqual(0, exitCode);
        Assert.Contains("libtorch was not found: ", output + errors, StringComparison.Ordinal);
        Assert.Contains("Reference exactly one of TorchSharp-cpu, TorchSharp-cuda-linux and TorchSharp-cuda-windows, version 0.107.0, in the application's project.", output, StringComparison.Ordinal);
    }
}
