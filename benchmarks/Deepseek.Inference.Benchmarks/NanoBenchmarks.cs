using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Nano;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Passes of deepseek-nano: a decoding step after a number of tokens, and the prefill of as many.</summary>
/// <remarks>At 13 million parameters this measures the cost of the operations' calls more than of their arithmetic.</remarks>
public class NanoBenchmarks : IMeasured
{
    private readonly int[] _next = [7];
    private int[] _prompt = [];
    private LanguageModel _model = null!;
    private SequenceCache _prompted = null!;
    private SequenceCache _empty = null!;

    [Params(64, 512, 2000)]
    public int Length { get; set; } = 64;

    public Work WorkOf(string method)
    {
        var checkpoint = CheckpointInspection.Read(NanoModel.Folder);
        var (config, active) = (checkpoint.Config, checkpoint.Counts.ActivePerToken);
        var bytes = (long)((double)active * checkpoint.Bytes / checkpoint.Parameters); // most of it is FP8, the embedding and the head BF16
        var head = (long)config.VocabularySize * config.HiddenSize;
        return method == nameof(DecodeStep)
            ? new Work(bytes, Threads: Environment.ProcessorCount)
            : new Work(0, 2 * (((active - head) * Length) + head), Threads: Environment.ProcessorCount);
    }

    [GlobalSetup]
    public async Task LoadAsync()
    {
        _model = await LanguageModel.LoadAsync(NanoModel.Folder);
        _prompt = [.. Enumerable.Range(0, Length).Select(i => (100 + (i * 7)) % _model.Config.VocabularySize)]; // any tokens, many experts
        (_prompted, _empty) = (_model.CreateCache(), _model.CreateCache());
        _model.Forward(_prompt, _prompted).Dispose();
    }

    [Benchmark]
    public void DecodeStep()
    {
        _model.Forward(_next, _prompted).Dispose();
        _prompted.Truncate(Length);
    }

    [Benchmark]
    public void Prefill()
    {
        _model.Forward(_prompt, _empty).Dispose();
        _empty.Truncate(0);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _prompted.Dispose();
        _empty.Dispose();
        _model.Dispose();
    }
}
