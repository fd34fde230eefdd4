using System.Globalization;
using System.Text.Json;

namespace Deepseek.Inference.Configuration;

/// <summary>One JSON object of a configuration: typed, ranged reads by key that record faults instead of throwing.</summary>
/// <remarks>
/// A key whose value is <c>null</c> counts as absent, as in Transformers' configuration classes. After a fault a read
/// returns a value in range, so that reading goes on; nothing may use it once <see cref="Faults"/> is not empty.
/// </remarks>
internal sealed class ConfigObject
{
    private readonly Dictionary<string, JsonElement> _values = new(StringComparer.Ordinal);
    private readonly string _prefix;

    internal ConfigObject(JsonElement element, string prefix, ConfigFaults faults)
    {
        _prefix = prefix;
        Faults = faults;
        foreach (var property in element.EnumerateObject())
        {
            if (!TryGetName(property, out var name))
                faults.Add(prefix + "(key)", "A key is not valid Unicode text.");
            else if (!_values.TryAdd(name, property.Value))
                faults.Add(Path(UntrustedText.Show(name)), $"{Path(UntrustedText.Show(name))} is stated twice; which one counts is unknown.");
        }
    }

    internal ConfigFaults Faults { get; }

    /// <summary>The key as messages name it: with the objects around it.</summary>
    internal string Path(string key) => _prefix + key;

    /// <summary>Whether the key is there with a value other than null.</summary>
    internal bool Has(string key) => TryGet(key, out _);

    /// <summary>Whether the key is there and null: for the few keys where that says "none", not "the default".</summary>
    internal bool IsNull(string key) => _values.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.Null;

    /// <summary>A whole number that must be stated.</summary>
    internal int RequiredInt(string key, int min, int max)
    {
        if (Has(key))
            return Int(key, min, max, min);

        Refuse(key, string.Create(CultureInfo.InvariantCulture, $"{Path(key)} is missing; it must be a whole number, {min} to {max}."));
        return min;
    }

    /// <summary>A whole number, or the default where it is absent.</summary>
    internal int Int(string key, int min, int max, int absent)
    {
        if (!TryGet(key, out var value))
            return absent;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= min && number <= max)
            return (int)number;

        Refuse(key, string.Create(CultureInfo.InvariantCulture, $"{Path(key)} is {Describe(value)}; it must be a whole number, {min} to {max}."));
        return min;
    }

    /// <summary>A number that must be stated.</summary>
    internal double RequiredReal(string key, double min, double max)
    {
        if (Has(key))
            return Real(key, min, max, min);

        Refuse(key, string.Create(CultureInfo.InvariantCulture, $"{Path(key)} is missing; it must be a number, {min} to {max}."));
        return min;
    }

    /// <summary>A finite number, or the default where it is absent.</summary>
    internal double Real(string key, double min, double max, double absent)
    {
        if (!TryGet(key, out var value))
            return absent;

        // 1e999 parses as infinity, which no range holds.
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= min && number <= max)
            return number;

        Refuse(key, string.Create(CultureInfo.InvariantCulture, $"{Path(key)} is {Describe(value)}; it must be a number, {min} to {max}."));
        return min;
    }

    /// <summary>True or false, or the default where it is absent.</summary>
    internal bool Flag(string key, bool absent)
    {
        if (!TryGet(key, out var value))
            return absent;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return value.GetBoolean();

        Refuse(key, $"{Path(key)} is {Describe(value)}; it must be true or false.");
        return absent;
    }

    /// <summary>A text, or null where it is absent.</summary>
    internal string? Text(string key)
    {
        if (!TryGet(key, out var value))
            return null;
        if (TryGetText(value, out var text))
            return text;

        Refuse(key, $"{Path(key)} is {Describe(value)}; it must be a text.");
        return null;
    }

    /// <summary>A nested object, or null where it is absent.</summary>
    internal ConfigObject? Object(string key)
    {
        if (!TryGet(key, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Object)
            return new ConfigObject(value, Path(key) + ".", Faults);

        Refuse(key, $"{Path(key)} is {Describe(value)}; it must be an object.");
        return null;
    }

    /// <summary>The elements of an array, the value itself where it is none, nothing where it is absent.</summary>
    internal IReadOnlyList<JsonElement> ItemsOrOne(string key)
    {
        if (!TryGet(key, out var value))
            return [];
        return value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
    }

    internal void Refuse(string key, string reason) => Faults.Add(Path(key), reason);

    /// <summary>A value as messages show it.</summary>
    internal static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => TryGetText(value, out var text) ? UntrustedText.Quote(text) : "a text that is not valid Unicode",
        _ => UntrustedText.Show(value.GetRawText()),
    };

    /// <summary>The text of a string value; false for other kinds and for unpaired surrogates.</summary>
    internal static bool TryGetText(JsonElement value, out string text)
    {
        text = "";
        if (value.ValueKind != JsonValueKind.String)
            return false;
        try
        {
            text = value.GetString()!;
            return true;
        }
        catch (InvalidOperationException)
        {
            // The only way in which the reader reports an escape such as \ud800 that stands alone.
            return false;
        }
    }

    private static bool TryGetName(JsonProperty property, out string name)
    {
        try
        {
            name = property.Name;
            return true;
        }
        catch (InvalidOperationException)
        {
            name = "";
            return false;
        }
    }

    private bool TryGet(string key, out JsonElement value) => _values.TryGetValue(key, out value) && value.ValueKind != JsonValueKind.Null;
}
