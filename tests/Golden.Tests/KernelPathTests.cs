using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Golden.Tests;

/// <summary>The golden checks on every instruction set of the machine. A process chooses one for good: the others get processes of their own, which write down hashes of what they computed.</summary>
public sealed class KernelPathTests
{
    /// <summary>Both sides round fp32 sums in their own order; a wrong formula is off by percents.</summary>
    private const double Tolerance = 2e-4;

    /// <summary>Names the file to which a process of this class writes.</summary>
    private const string HashesVariable = "DEEPSEEK_TEST_HASHES";

    public static TheoryData<string> Models => ["v3-fp8", "v3-bf16", "v2-lite", "distill-qwen2"];

    public static TheoryData<ActivationPrecision> Activations => [ActivationPrecision.Fp32, ActivationPrecision.Int16, ActivationPrecision.Int8];

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_FixtureModel_EqualsReference(string name)
    {
        RequirePath();
        using var golden = GoldenModel.Open(name);
        using var model = await GoldenModel.LoadAsync(name, ComputeOperations.Cpu);

        var logits = Logits(model, golden.Ids("ids.130"));

        Golden.AssertClose(golden.Floats("logits.130"), logits, Tolerance, $"{name} on {KernelPaths.Selected}");
        Record(name, MemoryMarshal.AsBytes<float>(logits));
    }

    [Theory, MemberData(nameof(Activations))]
    public async Task Forward_Store_IsWrittenAndComputed(ActivationPrecision activations)
    {
        RequirePath();
        using var golden = GoldenModel.Open("v3-fp8");
        var folder = Directory.CreateTempSubdirectory("deepseek-tests-");
        try
        {
            await StoreConverter.ConvertAsync(GoldenModel.Folder("v3-fp8"), folder.FullName, cancellationToken: TestContext.Current.CancellationToken);
            using var model = await GoldenModel.LoadFromAsync(folder.FullName, ComputeOperations.Cpu, new ModelOptions { Activations = activations });

            var logits = Logits(model, golden.Ids("ids.130"));

            Record($"store {activations}", MemoryMarshal.AsBytes<float>(logits));
            foreach (var file in folder.EnumerateFiles("*.safetensors"))
                Record($"store {file.Name}", await File.ReadAllBytesAsync(file.FullName, TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Forward_EveryPathOfTheMachine_PassesAndGivesTheSameBits()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable(HashesVariable) is not null, "This is the process of one path.");
        var hashes = new List<string[]>();

        foreach (var path in KernelPaths.Available)
            hashes.Add(await ChecksAsync(path));

        Assert.Equal(KernelPaths.Available.Select(path => $"path {path}"), hashes.Select(lines => lines.Single(line => line.StartsWith("path", StringComparison.Ordinal))));
        var computed = hashes.Select(lines => lines.Where(line => !line.StartsWith("path", StringComparison.Ordinal)).ToArray()).ToList();
        Assert.True(computed[0].Length >= Models.Count + Activations.Count + 1, $"The process wrote only: {string.Join(", ", computed[0])}");
        Assert.All(computed, lines => Assert.Equal(computed[0], lines));
    }

    /// <summary>Prefills most of a text and decodes the rest: both ways of a pass.</summary>
    private static float[] Logits(LanguageModel model, int[] ids)
    {
        using var cache = model.CreateCache();
        using var prompt = model.Forward(ids.AsMemory(0, ids.Length - 4), cache, LogitRows.All);
        List<float> logits = [.. prompt.ToArray<float>()];
        foreach (var id in ids[^4..])
        {
            using var step = model.Forward(new[] { id }, cache);
            logits.AddRange(step.ToArray<float>());
        }

        return [.. logits];
    }

    /// <summary>Sees that the path runs that the process was started for.</summary>
    private static void RequirePath()
    {
        if (Environment.GetEnvironmentVariable(KernelPaths.Variable) is { Length: > 0 } wanted)
            Assert.Equal(wanted, KernelPaths.Selected.ToString(), ignoreCase: true);
        Record("path", null);
    }

    private static void Record(string what, ReadOnlySpan<byte> values)
    {
        if (Environment.GetEnvironmentVariable(HashesVariable) is { } file)
            File.AppendAllText(file, $"{what} {(values.IsEmpty ? KernelPaths.Selected.ToString() : Convert.ToHexString(SHA256.HashData(values)))}\n"); // one class: its tests run one after the other
    }

    /// <summary>Runs the checks in a process of a path's own, and gives what they wrote, ordered.</summary>
    private static async Task<string[]> ChecksAsync(KernelPath path)
    {
        var file = Path.GetTempFileName();
        try
        {
            Dictionary<string, string> environment = new() { [KernelPaths.Variable] = path.ToString().ToLowerInvariant(), [HashesVariable] = file };
            await TestProcess.PassAsync(typeof(KernelPathTests).Assembly, environment, "--filter-class", typeof(KernelPathTests).FullName!);

            return [.. (await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken)).Distinct().Order(StringComparer.Ordinal)];
        }
        finally
        {
            File.Delete(file);
        }
    }
}
