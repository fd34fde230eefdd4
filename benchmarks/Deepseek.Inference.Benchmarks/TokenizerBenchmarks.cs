using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Nano;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Text to tokens and back, with deepseek-nano's vocabulary.</summary>
public class TokenizerBenchmarks
{
    // As a question, and as a page; both languages that the model knows.
    private const string Sentence = "The capital of France is Paris. 法国的首都是巴黎。 123 + 456 = 579\n";

    private DeepseekTokenizer _tokenizer = null!;
    private string _text = "";
    private int[] _ids = [];

    [Params(1, 100)]
    public int Sentences { get; set; }

    [GlobalSetup]
    public async Task LoadAsync()
    {
        _tokenizer = await DeepseekTokenizer.LoadAsync(NanoModel.Folder);
        _text = string.Concat(Enumerable.Repeat(Sentence, Sentences));
        _ids = [.. _tokenizer.Encode(_text)];
    }

    [Benchmark]
    public IReadOnlyList<int> Encode() => _tokenizer.Encode(_text);

    [Benchmark]
    public string Decode() => _tokenizer.Decode(_ids);
}
