using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>A conversation as the first part of a file, before its cache: magic, version, length, JSON, checksum.</summary>
/// <param name="Messages">The messages.</param>
/// <param name="Instructions">How many of the first are never forgotten.</param>
/// <param name="Forgotten">How many were.</param>
internal sealed record Conversation(IReadOnlyList<ChatMessage> Messages, int Instructions, int Forgotten)
{
    /// <summary>The version that this library writes and reads.</summary>
    public const int Version = 1;

    private const int HeaderBytes = 16; // magic, version, length
    private const int MaxJsonBytes = 64 << 20; // far more text than any context holds
    private const int MaxDepth = 256; // of tool calls within messages
    private const string Remedy = "It is damaged: take another copy.";

    private static ReadOnlySpan<byte> Magic => "DSEQCHAT"u8;

    /// <exception cref="ArgumentException">The messages are longer than a file may state.</exception>
    public void Write(ChecksumStream to)
    {
        using MemoryStream json = new();
        using (Utf8JsonWriter writer = new(json))
        {
            writer.WriteStartObject();
            writer.WriteNumber("instructions", Instructions);
            writer.WriteNumber("forgotten", Forgotten);
            writer.WriteStartArray("messages");
            foreach (var message in Messages)
                message.Write(writer);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        Span<byte> header = stackalloc byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], (int)json.Length);
        to.Write(header);
        to.Write(json.GetBuffer().AsSpan(0, (int)json.Length));
        to.WriteChecksum();
    }

    /// <exception cref="Diagnostics.CacheFormatException">It is none, of another version, or damaged.</exception>
    public static Conversation Read(ChecksumStream from)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        from.Read(header[..Magic.Length]);
        if (!header.StartsWith(Magic))
            throw from.Fault($"it begins with {UntrustedText.Quote(Encoding.Latin1.GetString(header[..Magic.Length]))}; a saved conversation begins with \"{Encoding.ASCII.GetString(Magic)}\". Give a file that a chat has saved.");
        from.Read(header[Magic.Length..]);
        if (BinaryPrimitives.ReadInt32LittleEndian(header[8..]) is var version && version != Version)
            throw from.Fault(FormattableString.Invariant($"the conversation is of version {version}; this library reads version {Version}. Use the version of Deepseek.Inference that wrote it."));
        if (BinaryPrimitives.ReadInt32LittleEndian(header[12..]) is var length && length is < 0 or > MaxJsonBytes)
            throw from.Fault(FormattableString.Invariant($"it states {length} bytes of messages; they must be 0 to {MaxJsonBytes}. {Remedy}"));
        from.RequireLeft(length);
        var json = new byte[length];
        from.Read(json);
        from.RequireChecksum();
        return Parse(json, from);
    }

    private static Conversation Parse(byte[] json, ChecksumStream from)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
            var root = document.RootElement;
            ChatMessage[] messages = [.. root.GetProperty("messages").EnumerateArray().Select(ChatMessage.FromJson)];
            var (instructions, forgotten) = (root.GetProperty("instructions").GetInt32(), root.GetProperty("forgotten").GetInt32());
            if (instructions < 0 || instructions > messages.Length || forgotten < 0)
                throw from.Fault(FormattableString.Invariant($"it states {instructions} instructions among {messages.Length} messages, and {forgotten} forgotten ones. {Remedy}"));
            return new Conversation(messages, instructions, forgotten);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw from.Fault($"its messages cannot be read: {UntrustedText.Show(fault.Message)} {Remedy}", fault);
        }
    }
}
