using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>The printable character that stands for each byte in the vocabulary of a byte-level tokenizer.</summary>
/// <remarks>
/// Printable Latin-1 characters stand for themselves; the other bytes, in ascending order, are U+0100, U+0101, …
/// Source: openai/gpt-2 src/encoder.py, bytes_to_unicode; huggingface/tokenizers src/pre_tokenizers/byte_level.rs.
/// </remarks>
internal static class ByteLevelAlphabet
{
    private static readonly char[] s_characters = Characters();
    private static readonly short[] s_bytes = Bytes();

    /// <summary>The character of a byte.</summary>
    public static char Character(byte value) => s_characters[value];

    /// <summary>The byte of a character; −1 where it stands for none.</summary>
    public static int Byte(char character) => character < s_bytes.Length ? s_bytes[character] : -1;

    /// <summary>Whether every character stands for a byte, so that the merges can reach the token.</summary>
    public static bool Spells(string token)
    {
        foreach (var c in token)
        {
            if (Byte(c) < 0)
                return false;
        }

        return token.Length > 0;
    }

    /// <summary>The bytes that a token decodes to: those that it spells, or, where it does not, its own UTF-8.</summary>
    /// <remarks>The rule of the reference, for added tokens too (byte_level.rs, decode_chain).</remarks>
    public static byte[] Decode(string token)
    {
        if (!Spells(token))
            return Encoding.UTF8.GetBytes(token);
        var bytes = new byte[token.Length];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)s_bytes[token[i]];
        return bytes;
    }

    private static char[] Characters()
    {
        var characters = new char[256];
        var next = (char)0x100;
        for (var b = 0; b < 256; b++)
            characters[b] = b is >= 0x21 and <= 0x7E or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)b : next++;
        return characters;
    }

    private static short[] Bytes()
    {
        var bytes = new short[s_characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var b = 0; b < 256; b++)
            bytes[s_characters[b]] = (short)b;
        return bytes;
    }
}
