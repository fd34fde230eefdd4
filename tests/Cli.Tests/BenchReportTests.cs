using Deepseek.Inference.Caching;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Planning;

namespace Deepseek.Cli.Tests;

public sealed class BenchReportTests
{
    private static readonly BenchReport Report = new("./store", 2, TimeSpan.FromSeconds(1.5),
        new ModelBenchmark
        {
            Options = new ModelBenchmarkOptions { Depth = 100 }, Prefill = new TokenSpeed(50, 40, 60), Decode = new TokenSpeed(10, 9.5, 11), DecodeBytesPerToken = 1.25e9,
            PrefillOperationsPerToken = 4e9, PeakMemoryBytes = 10_000_000_000, Operations = "cpu", Activations = ActivationPrecision.Int16,
            CachePrecision = CachePrecision.BFloat16,
        },
        new HardwareProfile
        {
            Threads = 2, KernelPath = KernelPath.Avx512, Processor = "A processor", MemoryBytes = 1L << 34, MemoryGigabytesPerSecond = 25, Int16Gops = 400, Int8Gops = 800, Fp32Gflops = 200,
        });

    [Fact]
    public void Json_KnownFigures_IsOneLine()
    {
        Assert.Equal(
            """{"model":"./store","threads":2,"batch":1,"depth":100,"prompt":512,"new":64,"repetitions":3,"paths":{"kernels":"avx512","operations":"cpu","activations":"int16","cache":"bf16"}"""
            + ""","prefill_tokens_per_second":50,"prefill_tokens_per_second_min":40,"prefill_tokens_per_second_max":60,"prefill_peak_share":0.5"""
            + ""","decode_tokens_per_second":10,"decode_tokens_per_second_min":9.5,"decode_tokens_per_second_max":11,"decode_gb_per_token":1.25,"decode_bandwidth_share":0.5"""
            + ""","memory_gb_per_second":25,"integer_gops":400,"fp32_gops":200,"load_seconds":1.5,"peak_memory_bytes":10000000000}""",
            Report.Json());
    }

    [Fact]
    public void Json_EightBits_HoldsPrefillAgainstTheirPeak()
    {
        var json = (Report with { Benchmark = Report.Benchmark with { Activations = ActivationPrecision.Int8 } }).Json();

        Assert.Contains("\"integer_gops\":800,", json, StringComparison.Ordinal);
        Assert.Contains("\"prefill_peak_share\":0.25,", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Print_KnownFigures_IsATableAndWhatWasMeasured()
    {
        using StringWriter output = new() { NewLine = "\n" };

        Report.Print(output);

        var lines = output.ToString().Split('\n').Select(line => line.Trim()).ToList();
        Assert.Equal("./store: loaded in 1.50 s; cpu operations, int16 activations, bf16 cache, 2 threads, 3 repetitions", lines[0]);
        Assert.Contains(lines, line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is ["prefill 512", "50.00", "40.00", "60.00", "200.0 GOP/s, 50.0%"]);
        Assert.Contains(lines, line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is ["decode 64 after 100", "10.00", "9.50", "11.00", "12.50 GB/s, 50.0%"]);
        Assert.Contains("A decoded token reads 1.2500 GB of weights. Peak memory 10.00 GB.", lines);
        Assert.Contains("This machine: A processor, 2 threads, avx512: memory 25.0 GB/s, int16 400 GOP/s, fp32 200 GFLOP/s.", lines);
    }

    [Fact]
    public void Print_BatchWithoutKnownBytes_SaysSo()
    {
        using StringWriter output = new();
        var batch = Report.Benchmark with { Options = new ModelBenchmarkOptions { BatchSize = 8 }, DecodeBytesPerToken = null, Prefill = null };

        (Report with { Benchmark = batch, Threads = 1 }).Print(output);

        Assert.Matches(@"decode 64 × 8 .*unknown", output.ToString());
        Assert.Contains(" 1 thread,", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("prefill", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("A decoded token reads", output.ToString(), StringComparison.Ordinal);
    }
}
