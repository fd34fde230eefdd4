using System.Buffers;
using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>Turns tokens into text one at a time, as they are generated, and never emits half a character.</summary>
/// <remarks>
/// A token may end within a character's UTF-8 bytes; they are held back until the rest has come. The texts of all
/// <see cref="Append"/> calls and of <see cref="Flush"/> together equal <see cref="DeepseekTokenizer.Decode(ReadOnlySpan{int}, bool)"/>
/// of all tokens. One decoder serves one sequence and one thread at a time.
/// </remarks>
public sealed class IncrementalDecoder
{
    private readonly DeepseekTokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private byte[] _pending = []; // up to 3 bytes: the beginning of a character

    internal IncrementalDecoder(DeepseekTokenizer tokenizer, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Takes the next token and returns the text that is now complete; often empty.</summary>
    /// <param name="id">The token's id.</param>
    /// <exception cref="ArgumentOutOfRangeException">No token has the id.</exception>
    public string Append(int id)
    {
        var token = _tokenizer.Bytes(id, nameof(id));
        if (_skipSpecialTokens && _tokenizer.IsSpecial(id))
            return string.Empty;

        byte[] bytes = [.. _pending, .. token];
        var held = UnfinishedLength(bytes);
        _pending = bytes[^held..];
        return Encoding.UTF8.GetString(bytes.AsSpan(0, bytes.Length - held));
    }

    /// <summary>Ends the text: a character that never became complete is returned as U+FFFD. The decoder can be used anew afterwards.</summary>
    public string Flush()
    {
        var rest = Encoding.UTF8.GetString(_pending);
        _pending = [];
        return rest;
    }

    /// <summary>How many bytes at the end begin a character without finishing it.</summary>
    /// <remarks>A leading byte always begins anew, whatever precedes it: the last three bytes decide.</remarks>
    private static int UnfinishedLength(ReadOnlySpan<byte> bytes)
    {
        for (var length = 1; length <= Math.Min(3, bytes.Length); length++)
        {
            if (Rune.DecodeFromUtf8(bytes[^length..], out _, out _) == OperationStatus.NeedMoreData)
                return length;
        }

        return 0;
    }
}
