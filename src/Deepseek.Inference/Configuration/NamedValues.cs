namespace Deepseek.Inference.Configuration;

/// <summary>Values of an enumeration by the names that options, files and results write.</summary>
/// <typeparam name="T">The enumeration.</typeparam>
/// <param name="table">Each value with its name, in the order of messages and help.</param>
internal sealed class NamedValues<T>(params (T Value, string Name)[] table)
    where T : struct, Enum
{
    /// <summary>Every name.</summary>
    public IReadOnlyList<string> Names { get; } = [.. table.Select(row => row.Name)];

    /// <summary>A value's name; null where it has none.</summary>
    public string? NameOf(T value) => Array.Find(table, row => EqualityComparer<T>.Default.Equals(row.Value, value)).Name;

    /// <summary>The value of a name, compared letter by letter.</summary>
    public bool TryParse(string? name, out T value)
    {
        var row = Array.Find(table, row => row.Name == name);
        value = row.Value;
        return row.Name is not null;
    }
}
