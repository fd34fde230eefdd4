using System.Text.Json;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Checkpoints;

/// <summary>A JSON reader for headers and indexes from strangers: whatever it refuses is a <see cref="CheckpointFormatException"/>.</summary>
/// <remarks>It builds no document: memory goes only to what the caller keeps.</remarks>
internal ref struct StrictJson
{
    /// <summary>Levels of nesting that are followed; headers have three, an index two.</summary>
    internal const int MaxDepth = 16;

    private readonly string _file;
    private readonly string _part;
    private Utf8JsonReader _reader;

    /// <param name="json">The UTF-8 text.</param>
    /// <param name="file">The file, for messages.</param>
    /// <param name="part">What of the file the text is: the subject of faults that no key has.</param>
    internal StrictJson(ReadOnlySpan<byte> json, string file, string part)
    {
        (_file, _part) = (file, part);
        _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth + 1 });
    }

    internal readonly JsonTokenType Type => _reader.TokenType;

    /// <summary>Moves to the next token; false at the end of the text.</summary>
    internal bool Read()
    {
        // The reader would fail on nesting as on a syntax fault; asked before it steps in, the message can say which.
        if (_reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && _reader.CurrentDepth >= MaxDepth)
            throw Fault(_part, $"JSON is nested more than {MaxDepth} levels deep; a sound file needs three.");
        try
        {
            return _reader.Read();
        }
        catch (JsonException e)
        {
            throw new CheckpointFormatException(_file, _part, FormattableString.Invariant(
                $"It is not valid JSON at byte {_reader.BytesConsumed}; the file is damaged, fetch it again."), e);
        }
    }

    /// <summary>Moves to the next token, which must be there.</summary>
    internal void Next()
    {
        if (!Read())
            throw Fault(_part, "The JSON ends early; the file is damaged, fetch it again.");
    }

    /// <summary>The text of a key or a string.</summary>
    internal readonly string Text(string subject)
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Fault(subject, "A text is not valid Unicode; the file is damaged, fetch it again.");
        }
    }

    /// <summary>Requires a kind of token here.</summary>
    internal readonly void Expect(JsonTokenType type, string subject, string expected)
    {
        if (_reader.TokenType != type)
            throw Fault(subject, $"Found {Describe()}; expected {expected}.");
    }

    /// <summary>A whole number from 0 on.</summary>
    internal readonly long Size(string subject, string what)
    {
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out var value) && value >= 0)
            return value;
        throw Fault(subject, $"{what} is {Describe()}; it must be a whole number, 0 to 2^63 - 1.");
    }

    /// <summary>Passes over a value, whatever it holds.</summary>
    internal void Skip()
    {
        if (_reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            return;
        for (var depth = _reader.CurrentDepth; ;)
        {
            Next();
            if (_reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray && _reader.CurrentDepth == depth)
                return;
        }
    }

    /// <summary>An exception about a part of the file, whose name is made fit for messages here.</summary>
    internal readonly CheckpointFormatException Fault(string subject, string reason) => new(_file, UntrustedText.Show(subject), reason);

    private readonly string Describe() => _reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a text",
        JsonTokenType.Number => UntrustedText.Show(System.Text.Encoding.ASCII.GetString(Head(_reader.ValueSpan))),
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        JsonTokenType.Null => "null",
        var other => other.ToString(),
    };

    private static ReadOnlySpan<byte> Head(ReadOnlySpan<byte> value) => value.Length > 2 * UntrustedText.MaxShown ? value[..(2 * UntrustedText.MaxShown)] : value;
}
