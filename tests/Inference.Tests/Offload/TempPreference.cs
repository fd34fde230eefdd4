using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tokenization;
namespace Deepseek.Inference.Tests.Offload;
public sealed class TempPreference(NanoStore store)
{
    [Fact]
    public async Task Table()
    {
        using var exact = await store.LoadAsync(null);
        var lines = new List<string>();
        foreach (var (file, tokens) in new[] { ("held-out-prose.txt", 3000), ("held-out-tasks.txt", 3000) })
        {
            var text = TextRuns.Cut(await File.ReadAllTextAsync(Path.Combine(TestPaths.Nano, file)), DeepseekTokenizer.Load(TestPaths.Nano), maxTokens: tokens);
            foreach (var slots in new[] { 20, 40 })
            foreach (var p in new[] { 1e-9, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0 })
            {
                using var leaning = await store.LoadAsync(slots, paging: new PagingOptions { CachePreference = p, Prefetch = false });
                var c = ModelComparison.Measure(exact, leaning, text);
                lines.Add(FormattableString.Invariant($"{file} slots {slots} p {p}: misses {1 - leaning.Paging!.Value.HitRate:p2} KL {c.Divergence:g3} ratio {c.PerplexityRatio:0.0000} agree {c.Agreement:p1}"));
            }
        }
        File.WriteAllLines("/tmp/pref.txt", lines);
    }
}
