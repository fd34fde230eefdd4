using System.Globalization;
using System.Reflection;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Bytes moved a second, for benchmarks with a <see cref="BytesMovedAttribute"/>: the memory's speed, to be held against the copy in the same table.</summary>
internal sealed class BandwidthColumn : IColumn
{
    public string Id => nameof(BandwidthColumn);

    public string ColumnName => "GB/s";

    public bool AlwaysShow => false;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => "10⁹ bytes read and written a second";

    public bool IsAvailable(Summary summary) => summary.BenchmarksCases.Any(benchmark => BytesOf(benchmark) is not null);

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
        BytesOf(benchmarkCase) is { } bytes && summary[benchmarkCase]?.ResultStatistics is { } statistics
            ? (bytes / statistics.Mean).ToString("0.0", CultureInfo.InvariantCulture) // the mean is in nanoseconds
            : "-";

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    private static long? BytesOf(BenchmarkCase benchmark) => benchmark.Descriptor.WorkloadMethod.GetCustomAttribute<BytesMovedAttribute>()?.Bytes;
}
