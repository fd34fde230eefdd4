using System.Collections;

namespace Deepseek.Inference.Configuration;

/// <summary>A list of tokens that compares by value: a record with a plain list would differ from its equal.</summary>
internal sealed class TokenList(IEnumerable<int> tokens) : IReadOnlyList<int>, IEquatable<TokenList>
{
    private readonly int[] _tokens = [.. tokens];

    public int Count => _tokens.Length;

    public int this[int index] => _tokens[index];

    public bool Equals(TokenList? other) => other is not null && _tokens.AsSpan().SequenceEqual(other._tokens);

    public override bool Equals(object? obj) => Equals(obj as TokenList);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var token in _tokens)
            hash.Add(token);
        return hash.ToHashCode();
    }

    public override string ToString() => $"[{string.Join(", ", _tokens)}]";

    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)_tokens).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
