using System.Text;
using Microsoft.ML.Tokenizers;

namespace Deepseek.Inference.Tokenization;

/// <summary>Turns the pieces of a text into tokens.</summary>
/// <remarks>Safe to use from several threads at a time: the library locks its cache, and <see cref="PieceCache"/> needs no lock.</remarks>
internal sealed class BytePairModel
{
    // Microsoft.ML.Tokenizers 2.0.1 removes merged symbols one by one, each time moving all that follow: 1.4 s for 100,000 letters
    // without a space, four times that for twice as many (measured on two cores). The own merger took 0.05 s for them.
    internal const int LongPiece = 256;

    private readonly PieceCache _cache = new();
    private readonly BpeTokenizer _bpe;
    private readonly BytePairMerger _merger;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>>? _whole;
    private readonly int _longestToken; // in bytes
    private readonly int[] _byteTokens = new int[256]; // −1: the vocabulary lacks the byte

    /// <summary>Prepares the merges of a tokenizer.</summary>
    public BytePairModel(TokenizerDefinition definition)
    {
        // Symbols are spelled from bytes: tokens and merges that are not can never be reached.
        var vocabulary = definition.Vocabulary.Where(entry => ByteLevelAlphabet.Spells(entry.Key)).ToDictionary();
        var merges = definition.Merges.Where(merge => vocabulary.ContainsKey(merge.Left) && vocabulary.ContainsKey(merge.Right)).ToList();
        _merger = new BytePairMerger(vocabulary, merges);
        _bpe = BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = WithoutRepeats(vocabulary, merges), ByteLevel = true });
        if (definition.IgnoreMerges)
            _whole = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _longestToken = vocabulary.Keys.Max(token => token.Length);
        for (var b = 0; b < 256; b++)
            _byteTokens[b] = vocabulary.GetValueOrDefault(ByteLevelAlphabet.Character((byte)b).ToString(), -1);
    }

    /// <summary>Adds the tokens of one piece.</summary>
    /// <param name="piece">The piece, well-formed UTF-16.</param>
    /// <param name="ids">Receives the ids. Bytes that the vocabulary lacks are left out, as in the reference.</param>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (piece.Length > PieceCache.LongestPiece)
        {
            Merge(piece, ids);
            return;
        }

        if (_cache.Find(piece) is not { } known)
        {
            List<int> merged = [];
            Merge(piece, merged);
            known = [.. merged];
            _cache.Add(piece, known);
        }

        ids.AddRange(known);
    }

    private void Merge(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (_whole is { } whole && piece.Length <= _longestToken && TryWhole(whole, piece, out var id))
            ids.Add(id);
        else if (piece.Length > LongPiece)
            MergeLong(piece, ids);
        else
            ids.AddRange(_bpe.EncodeToIds(piece, considerPreTokenization: false, considerNormalization: false));
    }

    private static bool TryWhole(Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> whole, ReadOnlySpan<char> piece, out int id)
    {
        const int OnStack = 512;
        var length = Encoding.UTF8.GetByteCount(piece);
        Span<byte> bytes = length <= OnStack ? stackalloc byte[length] : new byte[length];
        Span<char> spelled = length <= OnStack ? stackalloc char[length] : new char[length];
        Encoding.UTF8.GetBytes(piece, bytes);
        for (var i = 0; i < bytes.Length; i++)
            spelled[i] = ByteLevelAlphabet.Character(bytes[i]);
        return whole.TryGetValue(spelled, out id);
    }

    private void MergeLong(ReadOnlySpan<char> piece, List<int> ids)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(piece)];
        Encoding.UTF8.GetBytes(piece, bytes);
        var symbols = new int[bytes.Length];
        var count = 0;
        foreach (var b in bytes)
        {
            if (_byteTokens[b] >= 0)
                symbols[count++] = _byteTokens[b];
        }

        _merger.Merge(symbols.AsSpan(0, count), ids);
    }

    /// <summary>The merges as the library takes them; it refuses a pair that occurs twice.</summary>
    private IEnumerable<string> WithoutRepeats(Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges)
    {
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var (left, right) = merges[rank];
            if (_merger.Rank(vocabulary[left], vocabulary[right]) == rank)
                yield return $"{left} {right}";
        }
    }
}
