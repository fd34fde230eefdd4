namespace Deepseek.Inference.Evaluation;

/// <summary>Tokens a second over several repetitions.</summary>
/// <param name="Median">The middle one; of an even number the mean of the middle two.</param>
/// <param name="Minimum">The slowest.</param>
/// <param name="Maximum">The fastest.</param>
public sealed record TokenSpeed(double Median, double Minimum, double Maximum)
{
    /// <summary>From what every repetition took.</summary>
    internal static TokenSpeed Of(long tokens, IEnumerable<TimeSpan> times)
    {
        // A clock that did not move would make an infinite speed, which JSON cannot tell.
        var speeds = times.Select(time => (double)tokens * TimeSpan.TicksPerSecond / Math.Max(1, time.Ticks)).Order().ToArray();
        return new TokenSpeed((speeds[(speeds.Length - 1) / 2] + speeds[speeds.Length / 2]) / 2, speeds[0], speeds[^1]);
    }
}
