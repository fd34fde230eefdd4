using System.Collections.Concurrent;
using Deepseek.Inference.Chat;

namespace Deepseek.Inference.Server.Requests;

/// <summary>Keeps constraints for requests that ask for the same form again: what one has learnt of the vocabulary serves the next.</summary>
internal static class ConstraintCache
{
    // What strangers send is kept within bounds: few forms, and none that is long.
    private const int MaxForms = 64;
    private const int MaxLength = 1 << 16;

    private static readonly ConcurrentDictionary<string, TextConstraint> Forms = new(StringComparer.Ordinal);

    /// <param name="form">What tells forms apart: their kind and their text.</param>
    /// <param name="make">Makes one that is not kept.</param>
    public static TextConstraint Get(string form, Func<TextConstraint> make)
    {
        if (Forms.TryGetValue(form, out var kept))
            return kept;
        var made = make();
        if (form.Length > MaxLength)
            return made;
        if (Forms.Count >= MaxForms)
            Forms.Clear();
        return Forms.GetOrAdd(form, made);
    }
}
