using System.Text;
using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tests.Sampling;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat.Constraints;

/// <summary>Goes through the tokens that a constraint allows, without a model.</summary>
internal sealed class ConstraintWalk
{
    private const int LongestWalk = 2000;

    private static readonly DeepseekTokenizer Tokenizer = DeepseekTokenizer.Load(TestPaths.Nano);

    private readonly ILogitsProcessor _processor;
    private readonly List<int> _ids = [];
    private readonly int _end;

    public ConstraintWalk(TextConstraint constraint, TextPrompt? prompt = null, DeepseekTokenizer? tokenizer = null)
    {
        Vocabulary = tokenizer ?? Tokenizer;
        _end = Vocabulary.EndTokenId!.Value;
        _processor = constraint.Begin(Vocabulary, prompt ?? new TextPrompt([0]), [_end]);
    }

    /// <summary>The vocabulary that is walked through.</summary>
    public DeepseekTokenizer Vocabulary { get; }

    /// <summary>A prompt that ends within the reasoning, as nano's do.</summary>
    public static TextPrompt Thinking { get; } = new([0], SplitReasoning: true, StartsInReasoning: true);

    public static JsonElement Json(string text) => JsonElement.Parse(text);

    /// <summary>The text so far.</summary>
    public string Text => Vocabulary.Decode(_ids);

    /// <summary>The tokens that may come next.</summary>
    public int[] Allowed() => Rows.Kept(Rows.Apply(_processor, new float[Vocabulary.VocabularySize], generated: [.. _ids]));

    /// <summary>Whether the text may end here.</summary>
    public bool MayEnd => Allowed().Contains(_end);

    /// <summary>Whether a text can be written token by token, and then ended.</summary>
    public bool Accepts(string text) => Takes(text) && MayEnd;

    /// <summary>Whether a text can be written token by token, from the beginning.</summary>
    public bool Takes(string text, bool asControl = true)
    {
        _ids.Clear();
        foreach (var id in Vocabulary.Encode(text, asControl))
        {
            if (!Allowed().Contains(id))
                return false;
            _ids.Add(id);
        }

        return true;
    }

    /// <summary>Writes at random until the text ends; without wandering about for ever.</summary>
    public string Finish(int seed)
    {
        var random = new Random(seed);
        var homeward = random.Next(5, 60);
        while (_ids.Count < LongestWalk)
        {
            var allowed = Allowed();
            Assert.NotEmpty(allowed);
            var id = _ids.Count > homeward || random.Next(4) == 0 ? Homeward(allowed, random) : allowed[random.Next(allowed.Length)];
            if (id == _end)
                return Text;
            _ids.Add(id);
        }

        throw new Xunit.Sdk.XunitException($"The walk of seed {seed} does not end: {Text[..Math.Min(200, Text.Length)]}…");
    }

    // What ends things: the end itself, quotation marks and brackets, and the marks of the markup; else anything.
    private int Homeward(int[] allowed, Random random)
    {
        if (allowed.Contains(_end))
            return _end;
        var mark = "</｜"u8; // begins a closing tag of the markup
        var written = _ids.TakeLast(mark.Length).SelectMany(id => Vocabulary.Bytes(id, nameof(id))).ToArray();
        for (var begun = mark.Length - 1; begun >= 1; begun--)
        {
            if (written.AsSpan().EndsWith(mark[..begun]) && Of([mark[begun]]) is { } next && allowed.Contains(next))
                return next;
        }

        foreach (var closing in random.Next(2) == 0 ? new[] { "\"", "}", "]" } : ["<", "\"", "}", "]"])
        {
            if (Of(Encoding.ASCII.GetBytes(closing)) is { } id && allowed.Contains(id))
                return id;
        }

        return allowed[random.Next(allowed.Length)];
    }

    private int? Of(byte[] bytes) => Vocabulary.TokenId(string.Concat(bytes.Select(ByteLevelAlphabet.Character)));
}
