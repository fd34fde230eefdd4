using Deepseek.Inference.Compute;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Tests.Models;

/// <summary>What a calibration does to the model, and what it makes of bad calls.</summary>
public sealed class CalibrationCallTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("v3-fp8", AttentionForm.Absorbed)]
    [InlineData("v3-fp8", AttentionForm.Naive)]
    [InlineData("v3-no-qlora", AttentionForm.Absorbed)]
    [InlineData("v2-lite", AttentionForm.Absorbed)]
    [InlineData("distill-qwen2", AttentionForm.Absorbed)]
    [InlineData("distill-llama", AttentionForm.Absorbed)]
    public async Task Observe_Calibrating_GivesTheSameBits(string fixture, AttentionForm form)
    {
        using var model = await Fixture.LoadAsync(fixture, new ModelOptions { AttentionForm = form, ChunkSize = 16, Operations = ComputeOperations.Torch });
        var ids = Fixture.Ids(40);
        var expected = Fixture.Logits(model, ids, LogitRows.All);
        var counter = new ColumnEnergiesCounter();

        using var cache = model.CreateCache();
        using var logits = model.Observe(ids, cache, LogitRows.All, new CalibrationObserver(counter, model.Config.LayerCount), Cancellation);

        Fixture.AssertSameBits(expected, logits.ToArray<float>());
        Assert.NotEmpty(counter.ToEnergies("model").Names);
    }

    [Fact]
    public async Task ObserveAfterNext_Calibrating_GivesTheSameBits()
    {
        using var model = await DeepseekModel.LoadAsync(Fixture.Folder("v3-mtp"), new ModelOptions { Operations = ComputeOperations.Torch }, cancellationToken: Cancellation);
        var states = Enumerable.Range(0, 12 * 64).Select(i => (float)Math.Sin(i)).ToArray();
        using var plain = model.CreatePredictionCache();
        using var observed = model.CreatePredictionCache();

        using var expected = model.PredictAfterNext(Fixture.Ids(12), states, plain, cancellationToken: Cancellation);
        using var actual = model.ObserveAfterNext(Fixture.Ids(12), states, observed, new CalibrationObserver(new ColumnEnergiesCounter(), 3), Cancellation);

        Fixture.AssertSameBits(expected.ToArray<float>(), actual.ToArray<float>());
    }

    [Fact]
    public async Task RunAsync_WhileOthersUseTheModel_CountsItsOwnTokensAlone()
    {
        using var model = await Fixture.LoadAsync("v3-mtp", new ModelOptions { ChunkSize = 8 });
        var expected = Fixture.Logits(model, Fixture.Ids(30), LogitRows.All);
        List<float[]> others = [];

        // The others' passes run between two chunks.
        var energies = await Calibration.RunAsync(model, [Fixture.Ids(16)], new Immediate(_ => others.Add(Fixture.Logits(model, Fixture.Ids(30), LogitRows.All))), Cancellation);

        Assert.Equal(16, energies.TokensOf("lm_head.weight"));
        Assert.All(others, logits => Fixture.AssertSameBits(expected, logits));
        Fixture.AssertSameBits(expected, Fixture.Logits(model, Fixture.Ids(30), LogitRows.All)); // nothing stays behind
    }

    [Fact]
    public async Task RunAsync_Progress_CountsEveryChunk()
    {
        using var model = await Fixture.LoadAsync("distill-llama", new ModelOptions { ChunkSize = 4 });
        List<CalibrationProgress> reports = [];

        await Calibration.RunAsync(model, [Fixture.Ids(9), Fixture.Ids(3)], new Immediate(reports.Add), Cancellation);

        Assert.Equal([new(4, 12), new(8, 12), new(9, 12), new(12, 12)], reports);
    }

    [Fact]
    public async Task RunAsync_CancelledMeanwhile_EndsSoAndLeavesTheModelUsable()
    {
        using var model = await Fixture.LoadAsync("v3-mtp", new ModelOptions { ChunkSize = 4 });
        var expected = Fixture.Logits(model, Fixture.Ids(20));
        using var cancellation = new CancellationTokenSource();
        List<CalibrationProgress> reports = [];

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Calibration.RunAsync(
            model, [Fixture.Ids(40)], new Immediate(report =>
            {
                reports.Add(report);
                cancellation.Cancel();
            }), cancellation.Token));

        Assert.Equal([new CalibrationProgress(4, 40)], reports);
        Fixture.AssertSameBits(expected, Fixture.Logits(model, Fixture.Ids(20)));
    }

    [Fact]
    public async Task RunAsync_BadCalls_AreNamedBeforeAnyWork()
    {
        using var model = await Fixture.LoadAsync("v3-bf16");
        List<CalibrationProgress> reports = [];
        Task Run(params ReadOnlyMemory<int>[] runs) => Calibration.RunAsync(model, runs, new Immediate(reports.Add), Cancellation);

        var none = await Assert.ThrowsAsync<ArgumentException>(() => Run());
        var empty = await Assert.ThrowsAsync<ArgumentException>(() => Run(new[] { 1 }, Array.Empty<int>()));
        var tooLong = await Assert.ThrowsAsync<ArgumentException>(() => Run(new int[4097]));
        var high = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Run(new[] { 1 }, new[] { 5, 256 }));
        var negative = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Run(new[] { -1 }));
        await Assert.ThrowsAsync<ArgumentNullException>(() => Calibration.RunAsync(null!, [new[] { 1 }], cancellationToken: Cancellation));
        await Assert.ThrowsAsync<ArgumentNullException>(() => Calibration.RunAsync(model, null!, cancellationToken: Cancellation));

        Assert.Equal("There are no runs; a calibration needs a text. (Parameter 'runs')", none.Message);
        Assert.Equal("Run 1 has 0 tokens; it must have 1 to 4096, the positions that the model was made for. Cut the text into shorter runs. (Parameter 'runs')", empty.Message);
        Assert.StartsWith("Run 0 has 4097 tokens; it must have 1 to 4096,", tooLong.Message, StringComparison.Ordinal);
        Assert.StartsWith("Token 1 of run 1 is 256; the vocabulary has 0 to 255. (Parameter 'runs')", high.Message, StringComparison.Ordinal);
        Assert.Equal(-1, negative.ActualValue);
        Assert.Empty(reports);
    }

    [Fact]
    public async Task RunAsync_DisposedModel_IsRefused()
    {
        var model = await Fixture.LoadAsync("v3-bf16");
        model.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Calibration.RunAsync(model, [new[] { 1 }], cancellationToken: Cancellation));
    }

    [Fact]
    public async Task RunAsync_DamagedWeights_AreNamedByTheirResult()
    {
        using var folder = new AlteredCheckpoint("v3-fp32").Map("model.layers.0.self_attn.q_a_layernorm.weight", _ => float.NaN).Write();
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: Cancellation);

        var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => Calibration.RunAsync(model, [new[] { 1, 2 }], cancellationToken: Cancellation));

        Assert.Equal(
            $"{folder.Path}: model.layers.0.self_attn.q_b_proj.weight: the mean square of the activations that meet column 0 is NaN; it must be finite. A weight that comes before is damaged: fetch the checkpoint again.",
            fault.Message);
    }

    /// <summary>Unlike <see cref="Progress{T}"/>, called at once and in order.</summary>
    private sealed class Immediate(Action<CalibrationProgress> act) : IProgress<CalibrationProgress>
    {
        public void Report(CalibrationProgress value) => act(value);
    }
}
