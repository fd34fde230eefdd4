using System.Text;
using System.Text.Json.Nodes;

namespace Deepseek.Inference.Tests.Tokenization;

/// <summary>Damages JSON files at random, in their bytes and in their structure; the same seed gives the same damage.</summary>
internal sealed class TokenizerMutations(int seed)
{
    private const string Placeholder = "@@mutation@@";

    // Values that hide in well-formed files: wrong kinds, limits, deep nesting, patterns that explode, half a surrogate pair.
    private static readonly string[] s_values =
    [
        "null", "true", "0", "-1", "1.5", "1e308", "1e999", "2147483647", "2147483648", "-9223372036854775809", "99999999999999999999999",
        "\"\"", "\" \"", "\"a\"", "\"Ġ\"", "\"\\ud800\"", "\"\\u0000\"", "\"日 本\"", $"\"{new string('x', 5000)}\"", "[]", "{}", "[[]]", "[\"a\",\"b\"]",
        new string('[', 60) + new string(']', 60), new string('[', 200) + new string(']', 200),
        "{\"type\":\"Sequence\"}", "{\"type\":\"Sequence\",\"pretokenizers\":[]}", "{\"type\":\"ByteLevel\"}", "{\"type\":\"NFC\"}", "{\"a\":1,\"a\":2}",
        "\"(a|aa)+b\"", "\"(?!\"", "\"[a-\"", "\"x{1000000}\"", "\"(((a{900}){900}){900}\"", "\"\\\\p{Han}\"", "\"\\\\\"", "\"(?i:\\\\x{110000})\"", "\"a*\"", "\"(?=a)\"",
        "\"Sequence\"", "\"Digits\"", "\"Split\"", "\"ByteLevel\"", "\"BPE\"",
    ];

    private readonly Random _random = new(seed);

    /// <summary>A damaged copy of a file.</summary>
    public byte[] Mutate(byte[] original) =>
        _random.Next(3) == 0 ? MutateBytes(original) : MutateStructure(original);

    private byte[] MutateBytes(byte[] original)
    {
        List<byte> bytes = [.. original];
        for (var i = _random.Next(1, 4); i > 0 && bytes.Count > 0; i--)
        {
            var at = _random.Next(bytes.Count);
            var length = Math.Min(_random.Next(1, 40), bytes.Count - at);
            switch (_random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(_random.Next(bytes.Count), bytes.GetRange(at, length));
                    break;
                case 4:
                    bytes[at] = (byte)"{}[]\",:\\0-eE"[_random.Next(12)];
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }

    private byte[] MutateStructure(byte[] original)
    {
        var root = JsonNode.Parse(original)!;
        var parent = root;
        while (Children(parent) is { Count: > 0 } children && _random.Next(4) != 0)
            parent = children[_random.Next(children.Count)];

        var value = s_values[_random.Next(s_values.Length)];
        if (parent is JsonObject { Count: > 0 } owner)
        {
            var key = owner.ElementAt(_random.Next(owner.Count)).Key;
            switch (_random.Next(4))
            {
                case 0:
                    owner.Remove(key);
                    break;
                case 1:
                    owner[$"{key}x"] = owner[key]?.DeepClone();
                    owner.Remove(key);
                    break;
                case 2:
                    value = $"{value},\"{key}\":{value}"; // the key twice
                    owner[key] = Placeholder;
                    break;
                default:
                    owner[key] = Placeholder;
                    break;
            }
        }
        else if (parent is JsonArray { Count: > 0 } list)
        {
            var at = _random.Next(list.Count);
            if (_random.Next(3) == 0)
                list.RemoveAt(at);
            else
                list[at] = Placeholder;
        }

        return Encoding.UTF8.GetBytes(root.ToJsonString().Replace($"\"{Placeholder}\"", value, StringComparison.Ordinal));
    }

    private static List<JsonNode> Children(JsonNode node) => node switch
    {
        JsonObject owner => [.. owner.Select(entry => entry.Value).OfType<JsonNode>().Where(child => child is not JsonValue)],
        JsonArray list => [.. list.OfType<JsonNode>().Where(child => child is not JsonValue)],
        _ => [],
    };
}
