namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Arguments of one call of a filter, test, method, function or macro.</summary>
/// <param name="context">The rendering, for errors.</param>
/// <param name="callee">How errors name what is called, such as <c>the filter 'join'</c>.</param>
/// <param name="positional">Arguments by position.</param>
/// <param name="named">Arguments by name.</param>
internal sealed class Arguments(
    RenderContext context, string callee, IReadOnlyList<object> positional, IReadOnlyList<KeyValuePair<string, object>> named)
{
    public string Callee { get; } = callee;

    public IReadOnlyList<object> Positional { get; } = positional;

    public IReadOnlyList<KeyValuePair<string, object>> Named { get; } = named;

    public static Arguments Of(RenderContext context, string callee, IEnumerable<object> positional) => new(context, callee, [.. positional], []);

    /// <summary>Sorts the arguments to parameters; those not given are null.</summary>
    /// <param name="required">How many of the first parameters must be given.</param>
    /// <param name="parameters">Names in order.</param>
    public object?[] Bind(int required, params ReadOnlySpan<string> parameters)
    {
        var values = new object?[parameters.Length];
        if (Positional.Count > parameters.Length)
            throw context.Error($"{Callee} takes {Expected(parameters)}; it was given {Positional.Count} by position.");
        for (var i = 0; i < Positional.Count; i++)
            values[i] = Positional[i];

        foreach (var (name, value) in Named)
        {
            var i = parameters.IndexOf(name);
            if (i < 0)
                throw context.Error($"{Callee} has no argument '{name}'; it takes {Expected(parameters)}.");
            if (values[i] is not null)
                throw context.Error($"{Callee} was given the argument '{name}' twice.");
            values[i] = value;
        }

        for (var i = 0; i < required; i++)
        {
            if (values[i] is null)
                throw context.Error($"{Callee} needs the argument '{parameters[i]}'.");
        }

        return values;
    }

    private static string Expected(ReadOnlySpan<string> parameters) => parameters.Length switch
    {
        0 => "no arguments",
        1 => $"one argument ({parameters[0]})",
        _ => $"at most {parameters.Length} arguments ({string.Join(", ", parameters!)})",
    };
}
