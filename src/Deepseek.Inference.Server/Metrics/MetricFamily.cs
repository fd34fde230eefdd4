using System.Globalization;
using System.Text;

namespace Deepseek.Inference.Server.Metrics;

/// <summary>One metric with its series: a value, or a histogram, for each set of labels.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class MetricFamily(string name, string type, string help, double[] bounds)
{
    public const string Counter = "counter";
    public const string Gauge = "gauge";
    public const string Histogram = "histogram";

    // Labels come from requests, too: nobody shall fill the memory by inventing more.
    private const int MaxSeries = 1000;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Series> _series = new(StringComparer.Ordinal);

    /// <summary>Adds to a value.</summary>
    public void Add(string labels, double value)
    {
        lock (_lock)
        {
            if (SeriesOf(labels) is { } series)
                series.Sum += value;
        }
    }

    /// <summary>Replaces a value.</summary>
    public void Set(string labels, double value)
    {
        lock (_lock)
        {
            if (SeriesOf(labels) is { } series)
                series.Sum = value;
        }
    }

    /// <summary>Counts a value of a histogram.</summary>
    public void Record(string labels, double value)
    {
        lock (_lock)
        {
            if (SeriesOf(labels) is not { } series)
                return;
            series.Sum += value;
            series.Count++;
            var bucket = Array.FindIndex(bounds, bound => value <= bound);
            if (bucket >= 0)
                series.Buckets[bucket]++;
        }
    }

    /// <summary>Writes the family in Prometheus' text.</summary>
    public void Write(StringBuilder text)
    {
        lock (_lock)
        {
            if (_series.Count == 0)
                return;
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\n");
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
            foreach (var (labels, series) in _series)
            {
                if (type == Histogram)
                    WriteHistogram(text, labels, series);
                else
                    WriteSample(text, name, labels, series.Sum);
            }
        }
    }

    private void WriteHistogram(StringBuilder text, string labels, Series series)
    {
        var sofar = 0L;
        for (var i = 0; i < bounds.Length; i++)
        {
            sofar += series.Buckets[i];
            WriteSample(text, $"{name}_bucket", Joined(labels, $"le=\"{Number(bounds[i])}\""), sofar);
        }

        WriteSample(text, $"{name}_bucket", Joined(labels, "le=\"+Inf\""), series.Count);
        WriteSample(text, $"{name}_sum", labels, series.Sum);
        WriteSample(text, $"{name}_count", labels, series.Count);
    }

    private static void WriteSample(StringBuilder text, string name, string labels, double value) =>
        text.Append(name).Append(labels.Length > 0 ? $"{{{labels}}}" : "").Append(' ').Append(Number(value)).Append('\n');

    private static string Joined(string labels, string label) => labels.Length > 0 ? $"{labels},{label}" : label;

    private static string Number(double value) => double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>The series of labels; null where there are too many. The lock is held.</summary>
    private Series? SeriesOf(string labels)
    {
        if (_series.TryGetValue(labels, out var series) || _series.Count >= MaxSeries)
            return series;
        return _series[labels] = new Series(type == Histogram ? bounds.Length : 0);
    }

    private sealed class Series(int buckets)
    {
        public long[] Buckets { get; } = new long[buckets];

        public long Count { get; set; }

        public double Sum { get; set; }
    }
}
