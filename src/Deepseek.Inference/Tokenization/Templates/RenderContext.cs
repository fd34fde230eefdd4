using System.Runtime.CompilerServices;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>One rendering: where it stands, and how much of <see cref="TemplateLimits"/> it has used.</summary>
/// <param name="file">The template's file, for errors.</param>
/// <param name="clock">Serves <c>strftime_now</c>.</param>
/// <param name="inputCharacters">UTF-16 units of messages, tools and variables.</param>
internal sealed class RenderContext(string? file, TimeProvider clock, long inputCharacters)
{
    private readonly long _builtLimit = TemplateLimits.BuiltCharacters + TemplateLimits.BuiltPerInput * inputCharacters;
    private long _steps;
    private long _built;
    private int _depth;

    public TimeProvider Clock { get; } = clock;

    /// <summary>Line of the node being evaluated.</summary>
    public int Line { get; set; } = 1;

    public ChatTemplateException Error(string reason, Exception? cause = null) => new(file, Line, reason, cause);

    /// <summary>Accounts for work.</summary>
    public void Step(long count = 1)
    {
        _steps += count;
        if (_steps > TemplateLimits.Steps || _steps < 0)
            throw Error($"rendering exceeds the limit of {TemplateLimits.Steps} evaluation steps.");
    }

    /// <summary>Accounts for reading a string from end to end.</summary>
    public void Scan(string text) => Step(1 + text.Length / 16);

    /// <summary>Accounts for a search, which takes up to the product of both lengths.</summary>
    public void Search(string text, string pattern) =>
        Step(1 + text.Length / 64 + (long)text.Length * Math.Min(pattern.Length, text.Length) / 1024);

    /// <summary>Accounts for a string about to be built.</summary>
    public void Reserve(long characters)
    {
        if (characters > TemplateLimits.StringCharacters)
            throw Error($"a string would exceed the limit of {TemplateLimits.StringCharacters} characters.");
        _built += characters;
        if (_built > _builtLimit)
            throw Error($"rendering exceeds the limit of {_builtLimit} characters built in all.");
    }

    /// <summary>Accounts for a list or mapping about to be built.</summary>
    public void ReserveItems(long count)
    {
        if (count > TemplateLimits.Items)
            throw Error($"a list or mapping would exceed the limit of {TemplateLimits.Items} items.");
        Step(1 + count * TemplateLimits.StepsPerItem);
    }

    /// <summary>Accounts for a mapping about to be built from others whose keys have so many characters, each of which is hashed.</summary>
    public void ReserveMap(int count, long keyCharacters)
    {
        ReserveItems(count);
        Step(TemplateLimits.StepsPerMap + keyCharacters / 16);
    }

    /// <summary>A string that was built within bounds known before, such as a part of another.</summary>
    public string Built(string text)
    {
        Reserve(text.Length);
        return text;
    }

    public SequenceValue List(IReadOnlyList<object> items, SequenceKind kind = SequenceKind.List)
    {
        ReserveItems(items.Count);
        return new(items, kind);
    }

    /// <summary>Enters a node or call; every call needs its <see cref="Leave"/>.</summary>
    public void Enter()
    {
        // The second condition guards callers with small stacks, whatever a level costs.
        if (++_depth > TemplateLimits.EvaluationDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Error($"expressions and macro calls lie deeper within one another than the limit of {TemplateLimits.EvaluationDepth} levels.");
    }

    public void Leave() => _depth--;

    /// <summary>Guards walks through values; <paramref name="depth"/> counts from 0.</summary>
    public void CheckValueDepth(int depth)
    {
        if (depth > TemplateLimits.ValueDepth)
            throw Error($"lists and mappings lie deeper within one another than the limit of {TemplateLimits.ValueDepth} levels.");
    }
}
