using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Deepseek.Inference.Benchmarks;

/// <summary>A column about an operation's work, for classes that are <see cref="IMeasured"/>.</summary>
/// <param name="name">The heading.</param>
/// <param name="legend">What it means.</param>
/// <param name="format">How numbers are shown.</param>
/// <param name="value">The figure, of the work and the nanoseconds that it took; null where it has no meaning.</param>
internal sealed class WorkColumn(string name, Func<string> legend, string format, Func<Work, double, double?> value) : IColumn
{
    public string Id => $"{nameof(WorkColumn)}.{name}";

    public string ColumnName => name;

    public bool AlwaysShow => false;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => legend();

    /// <summary>Bytes moved, and what they are of the memory's bandwidth; operations, and what they are of the peak.</summary>
    public static IColumn[] All { get; } =
    [
        new WorkColumn("GB/s", () => "10⁹ bytes read and written a second", "0.0", (work, time) => work.Bytes > 0 ? work.Bytes / time : null),
        new WorkColumn("of memory", () => $"GB/s over the memory's speed, measured now: {Machine.Description}", "0%", (work, time) => work.Bytes > 0 ? work.Bytes / time / Machine.With(work.Threads).MemoryGigabytesPerSecond : null),
        new WorkColumn("GOP/s", () => "10⁹ operations a second, a multiply-add as two", "0.0", (work, time) => work.Operations > 0 ? work.Operations / time : null),
        new WorkColumn("of peak", () => "GOP/s over the peak of this arithmetic, measured now", "0%", (work, time) => work.Operations > 0 ? work.Operations / time / Machine.With(work.Threads).Peak(work.Arithmetic) : null),
    ];

    public bool IsAvailable(Summary summary) => summary.BenchmarksCases.Any(benchmark => Work.Of(benchmark) is { } work && value(work, 1) is not null);

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
        Work.Of(benchmarkCase) is { } work && summary[benchmarkCase]?.ResultStatistics is { } statistics && value(work, statistics.Mean) is { } figure
            ? figure.ToString(format, CultureInfo.InvariantCulture)
            : "-";

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
}
