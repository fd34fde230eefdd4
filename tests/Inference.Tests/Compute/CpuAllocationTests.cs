using Deepseek.Inference.Caching;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Compute;

/// <summary>Decoding on the CPU operations leaves nothing to the collector. Counts what the whole process allocates: nothing else may run meanwhile.</summary>
[Collection(nameof(WholeProcess))]
public sealed class CpuAllocationTests(SmallStores stores)
{
    private const int Steps = 100;

    // The test runner allocates now and then on threads of its own; what decoding allocates would show in every round.
    private const int Rounds = 10;

    public static MatrixTheoryData<string, int> Cases => new(["v3 store", "v2 store", "dense store"], [1, 4]);

    [Theory, MemberData(nameof(Cases))]
    public async Task Forward_DecodingAfterWarmUp_AllocatesNothing(string name, int sequences)
    {
        using var model = await stores.LoadAsync(name);
        using var run = new Decoding(model, sequences);
        run.Step(2 * Steps); // memory grows, and the methods are compiled

        var (byCaller, byAll) = (long.MaxValue, long.MaxValue);
        for (var round = 0; round < Rounds && (byCaller, byAll) != (0, 0); round++)
        {
            run.Restart();
            var (all, caller) = (GC.GetTotalAllocatedBytes(precise: true), GC.GetAllocatedBytesForCurrentThread());
            run.Step(Steps);
            (caller, all) = (GC.GetAllocatedBytesForCurrentThread() - caller, GC.GetTotalAllocatedBytes(precise: true) - all);
            (byCaller, byAll) = (Math.Min(byCaller, caller), Math.Min(byAll, all));
        }

        Assert.Equal((0, 0), (byCaller, byAll));
    }

    /// <summary>Sequences that are decoded together, each from a length of its own.</summary>
    private sealed class Decoding : IDisposable
    {
        private readonly LanguageModel _model;
        private readonly SequenceCache[] _caches;
        private readonly int[][] _texts;
        private readonly SequenceInput[] _batch;
        private readonly float[] _logits;
        private int _step;

        public Decoding(LanguageModel model, int sequences)
        {
            _model = model;
            _caches = [.. Enumerable.Range(0, sequences).Select(_ => model.CreateCache())];
            _texts = [.. Enumerable.Range(0, sequences).Select(i => Fixture.Ids(200 + i + (2 * Steps), seed: i + 1))]; // across the place where attention splits
            _batch = new SequenceInput[sequences];
            _logits = new float[sequences * model.Config.VocabularySize];
            for (var i = 0; i < sequences; i++)
                model.Forward(_texts[i].AsMemory(0, Held(i)), _caches[i]).Dispose();
        }

        public void Step(int steps)
        {
            for (var last = _step + steps; _step < last; _step++)
            {
                for (var i = 0; i < _batch.Length; i++)
                    _batch[i] = new SequenceInput(_texts[i].AsMemory(Held(i) + _step, 1), _caches[i]);
                _model.Forward(_batch, _logits, CancellationToken.None);
            }
        }

        public void Restart()
        {
            for (var i = 0; i < _caches.Length; i++)
                _caches[i].Truncate(Held(i));
            _step = 0;
        }

        public void Dispose()
        {
            foreach (var cache in _caches)
                cache.Dispose();
        }

        private static int Held(int sequence) => 200 + sequence;
    }
}
