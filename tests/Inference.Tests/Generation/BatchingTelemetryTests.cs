using System.Diagnostics;
using System.Diagnostics.Metrics;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Generation;

public sealed class BatchingTelemetryTests(Nano nano)
{
    [Fact]
    public async Task GenerateAsync_Request_HasASpanAndIsMetered()
    {
        var spans = new List<Activity>();
        using var root = new Activity("test").Start();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Deepseek.Inference",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                if (span.TraceId == root.TraceId)
                    spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        var measured = new HashSet<string>();
        using var meters = new MeterListener { InstrumentPublished = (instrument, listener) => Enable(instrument, listener) };
        meters.SetMeasurementEventCallback<long>((instrument, _, _, _) => Note(instrument));
        meters.SetMeasurementEventCallback<int>((instrument, _, _, _) => Note(instrument));
        meters.SetMeasurementEventCallback<double>((instrument, _, _, _) => Note(instrument));
        meters.Start();

        await using (var batcher = new ContinuousBatcher(nano.Generator.Generator))
            await Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[0], ContinuousBatcherTests.Seeded(1, 5))));

        var span = Assert.Single(spans);
        Assert.Equal("deepseek.generate", span.OperationName);
        Assert.Equal(root.SpanId, span.ParentSpanId);
        Assert.Equal(
            [("deepseek.prompt_tokens", Nano.Prompts[0].Length), ("deepseek.cached_tokens", 0), ("deepseek.generated_tokens", 5), ("deepseek.outcome", "finished")],
            span.TagObjects.Select(tag => (tag.Key, tag.Value!)));
        Assert.Equal(["begun", "first_token"], span.Events.Select(item => item.Name));
        lock (measured)
        {
            Assert.Superset(
                new HashSet<string>(["deepseek.requests", "deepseek.requests.waiting", "deepseek.requests.running", "deepseek.tokens.prompt", "deepseek.tokens.generated", "deepseek.batch.sequences", "deepseek.request.queued", "deepseek.request.first_token", "deepseek.token.duration"]),
                measured);
        }

        void Note(Instrument instrument)
        {
            lock (measured)
                measured.Add(instrument.Name);
        }

        static void Enable(Instrument instrument, MeterListener listener)
        {
            if (instrument.Meter.Name == "Deepseek.Inference")
                listener.EnableMeasurementEvents(instrument);
        }
    }
}
