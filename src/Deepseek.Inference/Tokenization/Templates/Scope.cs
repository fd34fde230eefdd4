namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Variables of a template, loop pass, macro call or block; assignments stay in the innermost scope.</summary>
internal sealed class Scope(Scope? parent)
{
    private readonly Dictionary<string, object> _variables = new(StringComparer.Ordinal);

    public void Set(string name, object value) => _variables[name] = value;

    public object? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._variables.TryGetValue(name, out var value))
                return value;
        }

        return null;
    }

    private Scope? Parent { get; } = parent;
}
