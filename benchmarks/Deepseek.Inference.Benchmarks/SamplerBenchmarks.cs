using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Benchmarks;

/// <summary>One token out of DeepSeek-V3's vocabulary of 129,280; every operation begins with a copy of the logits, as generation does.</summary>
public class SamplerBenchmarks
{
    private const int Vocabulary = 129_280;
    private const int HistoryLength = 1024;

    private readonly float[] _logits = new float[Vocabulary];
    private readonly float[] _row = new float[Vocabulary];
    private readonly int[] _history = new int[HistoryLength];

    private readonly SamplerChain _greedy = SamplerChain.Create(new SamplingOptions { Temperature = 0 });
    private readonly SamplerChain _recommended = SamplerChain.Create(new SamplingOptions { Temperature = 0.6, TopP = 0.95 }); // DeepSeek-R1's model card
    private readonly SamplerChain _all = SamplerChain.Create(new SamplingOptions
    {
        RepetitionPenalty = 1.1, FrequencyPenalty = 0.5, PresencePenalty = 0.5, Temperature = 0.6, TopK = 50, TopP = 0.95, MinP = 0.01, TypicalP = 0.95,
    });

    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(20250120);
        for (var i = 0; i < Vocabulary; i++)
            _logits[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()) * 3); // normal, as logits nearly are
        for (var i = 0; i < HistoryLength; i++)
            _history[i] = random.Next(Vocabulary);
    }

    [Benchmark(Baseline = true)]
    public int Greedy() => Next(_greedy);

    [Benchmark]
    public int TemperatureAndTopP() => Next(_recommended);

    [Benchmark]
    public int EveryProcessor() => Next(_all);

    private int Next(SamplerChain chain)
    {
        _logits.CopyTo(_row, 0);
        return chain.Next(_row, new SamplingContext(_history, []), seed: 1);
    }
}
