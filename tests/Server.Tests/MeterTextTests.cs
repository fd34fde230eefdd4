using System.Diagnostics.Metrics;
using Deepseek.Inference.Server.Metrics;

namespace Deepseek.Inference.Server.Tests;

public sealed class MeterTextTests : IDisposable
{
    private readonly Meter _meter = new($"meter-of-{Guid.NewGuid():N}");
    private readonly MeterText _text;

    public MeterTextTests() => _text = new MeterText(name => name == _meter.Name);

    [Fact]
    public void Read_NothingMeasured_IsEmpty()
    {
        _meter.CreateCounter<int>("tests.idle");

        Assert.Equal("", _text.Read());
    }

    [Fact]
    public void Read_CountersAndGauges_AreTypedAndNamedByTheirUnits()
    {
        var counter = _meter.CreateCounter<long>("tests.read", "By", "Bytes read\nand \\ kept.");
        var level = _meter.CreateUpDownCounter<int>("tests.level", "{item}", "Items.");
        var gauge = _meter.CreateGauge<double>("tests.heat_seconds", "s");
        _meter.CreateObservableCounter("tests.seen", () => 7L, description: "Seen.");
        _meter.CreateObservableGauge("tests.now", () => 0.5, description: "Now.");

        counter.Add(3);
        counter.Add(4);
        level.Add(5);
        level.Add(-2);
        gauge.Record(1.25);
        _text.Read();

        Assert.Equal(
            """
            # HELP tests_heat_seconds tests.heat_seconds
            # TYPE tests_heat_seconds gauge
            tests_heat_seconds 1.25
            # HELP tests_level Items.
            # TYPE tests_level gauge
            tests_level 3
            # HELP tests_now Now.
            # TYPE tests_now gauge
            tests_now 0.5
            # HELP tests_read_bytes_total Bytes read\nand \\ kept.
            # TYPE tests_read_bytes_total counter
            tests_read_bytes_total 7
            # HELP tests_seen_total Seen.
            # TYPE tests_seen_total counter
            tests_seen_total 7

            """,
            _text.Read());
    }

    [Fact]
    public void Read_Labels_AreEscaped()
    {
        var counter = _meter.CreateCounter<int>("tests.labels", description: "L.");

        counter.Add(1, new("http.method", "GET"), new("path", "a\"b\\c\nd"));
        counter.Add(2, new KeyValuePair<string, object?>("ok", true));

        Assert.Equal(
            "# HELP tests_labels_total L.\n# TYPE tests_labels_total counter\ntests_labels_total{http_method=\"GET\",path=\"a\\\"b\\\\c\\nd\"} 1\ntests_labels_total{ok=\"True\"} 2\n", _text.Read());
    }

    [Fact]
    public void Read_Histogram_CountsUpwards()
    {
        var histogram = _meter.CreateHistogram("tests.time", "s", "T.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });

        foreach (var value in (double[])[0.05, 0.1, 0.5, 3])
            histogram.Record(value, new KeyValuePair<string, object?>("a", "b"));

        Assert.Equal(
            """
            # HELP tests_time_seconds T.
            # TYPE tests_time_seconds histogram
            tests_time_seconds_bucket{a="b",le="0.1"} 2
            tests_time_seconds_bucket{a="b",le="1"} 3
            tests_time_seconds_bucket{a="b",le="+Inf"} 4
            tests_time_seconds_sum{a="b"} 3.65
            tests_time_seconds_count{a="b"} 4

            """,
            _text.Read());
    }

    [Fact]
    public void Read_InventedLabels_DoNotFillTheMemory()
    {
        var counter = _meter.CreateCounter<int>("tests.many");

        for (var i = 0; i < 5000; i++)
            counter.Add(1, new KeyValuePair<string, object?>("i", i));

        Assert.Equal(1002, _text.Read().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    public void Dispose()
    {
        _text.Dispose();
        _meter.Dispose();
    }
}
