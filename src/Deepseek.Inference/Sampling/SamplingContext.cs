namespace Deepseek.Inference.Sampling;

/// <summary>What a processor may know of the sequence whose next token is being chosen.</summary>
public readonly ref struct SamplingContext
{
    /// <summary>Creates the context of a sequence that draws its tokens from the first one on.</summary>
    /// <param name="prompt">Ids of the prompt's tokens.</param>
    /// <param name="generated">Ids of the tokens generated so far; their number is the step.</param>
    public SamplingContext(ReadOnlySpan<int> prompt, ReadOnlySpan<int> generated)
        : this(prompt, generated, generated.Length)
    {
    }

    /// <summary>Creates the context of a sequence whose step is counted elsewhere, as when it resumes with its earlier tokens in the prompt.</summary>
    /// <param name="prompt">Ids of the prompt's tokens.</param>
    /// <param name="generated">Ids of the tokens generated so far.</param>
    /// <param name="step">How many tokens were drawn before this one; with the seed, it alone decides the draw.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="step"/> is negative.</exception>
    public SamplingContext(ReadOnlySpan<int> prompt, ReadOnlySpan<int> generated, int step)
    {
        if (step < 0)
            throw new ArgumentOutOfRangeException(nameof(step), step, "step must be 0 or more, since it counts the tokens drawn so far.");
        Prompt = prompt;
        Generated = generated;
        Step = step;
    }

    /// <summary>Ids of the prompt's tokens.</summary>
    public ReadOnlySpan<int> Prompt { get; }

    /// <summary>Ids of the tokens generated so far, oldest first.</summary>
    public ReadOnlySpan<int> Generated { get; }

    /// <summary>How many tokens were drawn before this one.</summary>
    public int Step { get; }
}
