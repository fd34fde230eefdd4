using System.Diagnostics;

namespace Deepseek.Inference.Diagnostics;

/// <summary>The activity source <c>Deepseek.Inference</c>: a span for every request, from asking to the last token.</summary>
internal static class GenerationActivities
{
    /// <summary>The span of a request.</summary>
    public const string Generate = "deepseek.generate";

    /// <summary>Outcomes, of spans and of the counter of requests.</summary>
    public const string Finished = "finished", Cancelled = "cancelled", Failed = "failed", Refused = "refused";

    public static ActivitySource Source { get; } = new(PagingMeters.Name);
}
