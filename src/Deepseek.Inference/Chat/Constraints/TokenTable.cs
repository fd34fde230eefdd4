using System.Runtime.CompilerServices;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>A tokenizer's vocabulary, sorted by bytes, so that tokens with a common beginning lie together.</summary>
internal sealed class TokenTable
{
    private static readonly ConditionalWeakTable<DeepseekTokenizer, TokenTable> Known = [];

    private readonly DeepseekTokenizer _tokenizer;
    private readonly byte[] _bytes; // of all tokens but control tokens, in their order: one walk reads them as they lie
    private readonly int[] _starts;

    private TokenTable(DeepseekTokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        Size = tokenizer.VocabularySize;
        var ids = Enumerable.Range(0, Size).Where(id => BytesOf(id).Length > 0).ToArray();
        Control = [.. ids.Where(tokenizer.IsControl)];
        Ids = [.. ids.Where(id => !tokenizer.IsControl(id))];
        var bytes = Array.ConvertAll(Ids, BytesOf);
        Array.Sort(bytes, Ids, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        _bytes = [.. bytes.SelectMany(token => token)];
        _starts = new int[Ids.Length + 1];
        for (var i = 0; i < Ids.Length; i++)
            _starts[i + 1] = _starts[i] + bytes[i].Length;
        Shared = new int[Ids.Length];
        for (var i = 1; i < Ids.Length; i++)
            Shared[i] = BytesAt(i - 1).CommonPrefixLength(BytesAt(i));
        Longest = bytes.Max(token => token.Length);
    }

    /// <summary>One more than the largest id.</summary>
    public int Size { get; }

    /// <summary>Control tokens, which are no text.</summary>
    public int[] Control { get; }

    /// <summary>All other tokens, ascending by bytes.</summary>
    public int[] Ids { get; }

    /// <summary>How many bytes each shares with the one before.</summary>
    public int[] Shared { get; }

    /// <summary>Bytes of the longest.</summary>
    public int Longest { get; }

    /// <summary>The table of a tokenizer, made once.</summary>
    public static TokenTable Of(DeepseekTokenizer tokenizer) => Known.GetValue(tokenizer, known => new TokenTable(known));

    /// <summary>The bytes of the token at a place of <see cref="Ids"/>.</summary>
    public ReadOnlySpan<byte> BytesAt(int place) => _bytes.AsSpan(_starts[place], _starts[place + 1] - _starts[place]);

    /// <summary>The bytes of a token; none where there is no such token.</summary>
    public byte[] BytesOf(int id) => _tokenizer.TokenText(id) is null ? [] : _tokenizer.Bytes(id, nameof(id));

    /// <summary>Whether a token is a control token.</summary>
    public bool IsControl(int id) => _tokenizer.IsControl(id);
}
