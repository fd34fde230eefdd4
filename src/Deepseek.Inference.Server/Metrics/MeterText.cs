using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Deepseek.Inference.Server.Metrics;

/// <summary>Listens to meters, and tells what they measured in Prometheus' text (https://prometheus.io/docs/instrumenting/exposition_formats).</summary>
/// <remarks>
/// Names follow OpenTelemetry's rules for Prometheus: dots become underscores, the unit follows, and counters end in <c>_total</c>. Instruments of one name, as several applications of a process
/// have, are one metric.
/// </remarks>
internal sealed class MeterText : IDisposable
{
    // Doubling from 1 ms: both a token and a long reply fall in the middle.
    private static readonly double[] Seconds = [.. Enumerable.Range(0, 20).Select(i => 0.001 * (1 << i))];

    private static readonly double[] Counts = [.. Enumerable.Range(0, 11).Select(i => (double)(1 << i))];

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);

    /// <summary>Begins to listen; what was counted before is not known.</summary>
    /// <param name="isWanted">Whether a meter of this name is listened to.</param>
    public MeterText(Func<string, bool> isWanted)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (isWanted(instrument.Meter.Name) && TypeOf(instrument) is { } type)
                listener.EnableMeasurementEvents(instrument, Family(instrument, type));
        };
        Hear<byte>();
        Hear<short>();
        Hear<int>();
        Hear<long>();
        Hear<float>();
        Hear<double>();
        Hear<decimal>();
        _listener.Start();
    }

    /// <summary>All that has been measured.</summary>
    public string Read()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var family in _families.OrderBy(family => family.Key, StringComparer.Ordinal))
            family.Value.Write(text);
        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private void Hear<T>()
        where T : struct, IConvertible => _listener.SetMeasurementEventCallback<T>(static (instrument, value, tags, state) =>
    {
        var (family, number, labels) = ((MetricFamily)state!, value.ToDouble(CultureInfo.InvariantCulture), Labels(tags));
        if (instrument is Histogram<T>)
            family.Record(labels, number);
        else if (instrument is Counter<T> or UpDownCounter<T>)
            family.Add(labels, number); // a difference
        else
            family.Set(labels, number);
    });

    private MetricFamily Family(Instrument instrument, string type)
    {
        var name = Name(instrument, type);
        return _families.GetOrAdd(name, _ => new MetricFamily(name, type, instrument.Description ?? instrument.Name, Bounds(instrument)));
    }

    private static string? TypeOf(Instrument instrument) => instrument.GetType() is { IsGenericType: true } type ? type.GetGenericTypeDefinition() switch
    {
        var kind when kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>) => MetricFamily.Counter,
        var kind when kind == typeof(Histogram<>) => MetricFamily.Histogram,
        var kind when kind == typeof(UpDownCounter<>) || kind == typeof(ObservableUpDownCounter<>) || kind == typeof(Gauge<>) || kind == typeof(ObservableGauge<>) => MetricFamily.Gauge,
        _ => null,
    } : null;

    private static double[] Bounds(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { Count: > 0 } advised } => [.. advised],
        _ => instrument.Unit == "s" ? Seconds : Counts,
    };

    private static string Name(Instrument instrument, string type)
    {
        var unit = instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        var name = string.Concat(instrument.Name.Select(character => char.IsAsciiLetterOrDigit(character) ? character : '_'));
        return $"{name}{(name.EndsWith(unit, StringComparison.Ordinal) ? "" : unit)}{(type == MetricFamily.Counter ? "_total" : "")}";
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
            return "";
        var text = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            if (text.Length > 0)
                text.Append(',');
            foreach (var character in name)
                text.Append(char.IsAsciiLetterOrDigit(character) ? character : '_');
            text.Append("=\"").Append(Escaped(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")).Append('"');
        }

        return text.ToString();
    }

    private static string Escaped(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
