using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Equality of mapping keys as in Python, where 1, 1.0 and True are one key.</summary>
internal sealed class KeyComparer : IEqualityComparer<object>
{
    public static readonly KeyComparer Instance = new();

    /// <summary>Python also takes tuples; no template needs them.</summary>
    public static bool IsKey(object value) => value is string or BigInteger or double or bool or None;

    public new bool Equals(object? x, object? y) => (x, y) switch
    {
        (string left, string right) => left == right,
        (string, _) or (_, string) => false,
        _ => ReferenceEquals(x, y) || (Numbers.IsNumber(x!) && Numbers.IsNumber(y!) && Numbers.Compare(x!, y!) == 0),
    };

    // Strings hash with .NET's random seed, so that a file cannot choose keys that collide.
    public int GetHashCode(object value) => value switch
    {
        string text => text.GetHashCode(StringComparison.Ordinal),
        _ when Numbers.IsNumber(value) => Numbers.ToDouble(value).GetHashCode(),
        _ => 0,
    };
}
