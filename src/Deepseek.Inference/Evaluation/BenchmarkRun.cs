using System.Diagnostics;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Evaluation;

/// <summary>The tests of one benchmark, one after the other.</summary>
internal sealed class BenchmarkRun(LanguageModel model, ModelBenchmarkOptions options, IProgress<ModelBenchmarkProgress>? progress, CancellationToken cancellationToken)
{
    private const int WarmPrompt = 32;
    private const int WarmSteps = 4;
    private const int FillSteps = 16;
    private const int MostFillTokens = 1000;

    private readonly CacheOptions _cacheOptions = new() { Precision = options.CachePrecision };

    private int _sequences; // drawn so far: each has tokens of its own

    /// <summary>The precision that caches have.</summary>
    public CachePrecision PrecisionOfCaches()
    {
        using var cache = model.CreateCache(_cacheOptions);
        return cache.Options.Precision!.Value;
    }

    /// <summary>Times the prompt.</summary>
    public TokenSpeed Prefill()
    {
        var times = Repeat("prefill", () => PrefillOnce(Math.Min(WarmPrompt, options.PromptTokens)), () => PrefillOnce(options.PromptTokens));
        return TokenSpeed.Of(options.PromptTokens, times);
    }

    /// <summary>Times decoding, and tells the bytes of weights that a token of one sequence reads, and what paging did.</summary>
    public (TokenSpeed Speed, double? BytesPerToken, PagingBenchmark? Paging) Decode()
    {
        var counted = 0L;
        var fill = model.Paging is null ? TimeSpan.Zero : Fill();
        PagingStatistics? before = null;
        var times = Repeat("decode", () => DecodeOnce(0, Math.Min(WarmSteps, options.NewTokens)).Time, () =>
        {
            before ??= model.Paging;
            var (time, bytes) = DecodeOnce(options.Depth, options.NewTokens);
            counted += bytes;
            return time;
        });
        var tokens = (long)options.BatchSize * options.NewTokens;
        // Sequences that are decoded together share weights, how many depends on their routing: that can be counted, not derived.
        double? perToken = counted > 0 ? (double)counted / (tokens * options.Repetitions) : options.BatchSize == 1 ? model.StepBytes : null;
        var paging = model.Paging is { } after && before is { } earlier
            ? new PagingBenchmark { Statistics = after.Since(earlier), Fill = fill, Tokens = tokens * options.Repetitions, AlwaysReadBytes = model.AlwaysReadBytes }
            : null;
        return (TokenSpeed.Of(tokens, times), perToken, paging);
    }

    /// <summary>Decodes until every slot holds an expert: a cache that is being filled misses more than one that is full.</summary>
    private TimeSpan Fill()
    {
        progress?.Report(new ModelBenchmarkProgress("fill", 0, options.Repetitions));
        var start = Stopwatch.GetTimestamp();
        for (var tokens = 0; tokens < MostFillTokens && model.Paging is { } paging && paging.FilledSlots < paging.Slots; tokens += FillSteps * options.BatchSize)
            DecodeOnce(0, FillSteps);
        return Stopwatch.GetElapsedTime(start);
    }

    private List<TimeSpan> Repeat(string test, Func<TimeSpan> warmUp, Func<TimeSpan> once)
    {
        progress?.Report(new ModelBenchmarkProgress(test, 0, options.Repetitions));
        warmUp();
        List<TimeSpan> times = [];
        for (var repetition = 1; repetition <= options.Repetitions; repetition++)
        {
            progress?.Report(new ModelBenchmarkProgress(test, repetition, options.Repetitions));
            times.Add(once());
        }

        return times;
    }

    private TimeSpan PrefillOnce(int tokens)
    {
        using var cache = model.CreateCache(_cacheOptions);
        var ids = Draw(tokens);
        var start = Stopwatch.GetTimestamp();
        model.Forward(ids, cache, cancellationToken: cancellationToken).Dispose();
        return Stopwatch.GetElapsedTime(start);
    }

    private (TimeSpan Time, long Bytes) DecodeOnce(int depth, int steps)
    {
        var caches = new List<SequenceCache>(options.BatchSize);
        try
        {
            var ids = new int[options.BatchSize][];
            for (var i = 0; i < ids.Length; i++)
            {
                ids[i] = Draw(depth + steps);
                caches.Add(model.CreateCache(_cacheOptions));
                if (depth > 0)
                    model.Forward(ids[i].AsMemory(0, depth), caches[i], cancellationToken: cancellationToken).Dispose();
            }

            var batch = new SequenceInput[ids.Length];
            var before = model.WeightBytesRead;
            var start = Stopwatch.GetTimestamp();
            for (var step = 0; step < steps; step++)
            {
                for (var i = 0; i < batch.Length; i++)
                    batch[i] = new SequenceInput(ids[i].AsMemory(depth + step, 1), caches[i]);
                model.Forward(batch, cancellationToken).Dispose();
            }

            return (Stopwatch.GetElapsedTime(start), model.WeightBytesRead - before);
        }
        finally
        {
            foreach (var cache in caches)
                cache.Dispose();
        }
    }

    /// <summary>The tokens of the next sequence, uniform over the vocabulary.</summary>
    internal int[] Draw(int count)
    {
        var random = new SamplingRandom(options.Seed, _sequences++);
        var ids = new int[count];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = (int)Math.BigMul(random.NextUInt64(), (ulong)model.Config.VocabularySize, out _);
        return ids;
    }
}
