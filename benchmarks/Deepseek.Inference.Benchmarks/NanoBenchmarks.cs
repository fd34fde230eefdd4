using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Models;
using Deepseek.Inference.Nano;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Passes of deepseek-nano: a decoding step after 64 tokens, and the prompt of 64 tokens itself.</summary>
/// <remarks>At 13 million parameters this measures the cost of the operations' calls more than of their arithmetic.</remarks>
public class NanoBenchmarks
{
    private const int PromptLength = 64;

    private readonly int[] _prompt = new int[PromptLength];
    private readonly int[] _next = [PromptLength];
    private LanguageModel _model = null!;
    private SequenceCache _prompted = null!;
    private SequenceCache _empty = null!;

    [GlobalSetup]
    public async Task LoadAsync()
    {
        _model = await LanguageModel.LoadAsync(NanoModel.Folder);
        for (var i = 0; i < PromptLength; i++)
            _prompt[i] = 100 + i; // any tokens: the work is the same
        (_prompted, _empty) = (_model.CreateCache(), _model.CreateCache());
        _model.Forward(_prompt, _prompted).Dispose();
    }

    [Benchmark]
    public void DecodeStep()
    {
        _model.Forward(_next, _prompted).Dispose();
        _prompted.Truncate(PromptLength);
    }

    [Benchmark]
    public void Prefill64()
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
