using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class BytePairMergerTests
{
    [Fact]
    public void Merge_HandWorkedCase_MergesByRankThenFromTheLeft()
    {
        var vocabulary = Vocabulary("a", "b", "c", "bc", "ab", "aa", "aaa");
        var merger = new BytePairMerger(vocabulary, [("b", "c"), ("a", "b"), ("a", "a"), ("aa", "a")]);

        Assert.Equal(["a", "bc"], Merge(merger, vocabulary, "abc")); // bc ranks before ab
        Assert.Equal(["aa", "aaa"], Merge(merger, vocabulary, "aaaaa")); // aa aa a at first; then the second aa joins the last a
    }

    [Fact]
    public void Merge_PairGivenTwice_CountsByTheLast()
    {
        var vocabulary = Vocabulary("a", "b", "c", "ab", "bc");
        var merger = new BytePairMerger(vocabulary, [("a", "b"), ("b", "c"), ("a", "b")]);

        Assert.Equal(["a", "bc"], Merge(merger, vocabulary, "abc"));
    }

    [Fact]
    public void Merge_AnyWord_EqualsTheDefinition()
    {
        var definition = TokenizerDefinitionReader.Read("tokenizer.json", File.ReadAllBytes(Path.Combine(TestPaths.Nano, "tokenizer.json")));
        var (merger, model) = (new BytePairMerger(definition.Vocabulary, definition.Merges), new BytePairModel(definition));
        var random = new Random(20260301);
        for (var i = 0; i < 300; i++)
        {
            // Around the length at which the own merger takes over from the library's.
            var length = i < 250 ? random.Next(1, 60) : BytePairModel.LongPiece + random.Next(-3, 4);
            var word = string.Concat(Enumerable.Range(0, length).Select(_ => "aaeeinorstth "[random.Next(13)])).Replace(' ', 'Ġ');
            var expected = MergeByDefinition(definition, merger, word);
            List<int> own = [];
            List<int> actual = [];

            merger.Merge(Symbols(definition.Vocabulary, word), own);
            model.Encode(word.Replace('Ġ', ' '), actual);

            Assert.Equal(expected, own);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Encode_MergesGivenTwiceOrNotInBytes_AreNoFault()
    {
        // Japanese characters stand for no byte: such tokens can be written in a vocabulary, and never occur.
        var definition = TinyTokenizer.Definition("a b", "b c", "日 本");
        definition["model"]!["vocab"]!["日"] = 259;
        definition["model"]!["vocab"]!["本"] = 260;
        definition["model"]!["merges"]!.AsArray().Add("a b");

        Assert.Equal(['a', 257], TinyTokenizer.Load(definition).Encode("abc"));
    }

    /// <summary>The definition: join the pair of the lowest rank, leftmost first, until none is left.</summary>
    private static List<int> MergeByDefinition(TokenizerDefinition definition, BytePairMerger merger, string word)
    {
        var parts = word.Select(c => c.ToString()).ToList();
        while (true)
        {
            var best = Enumerable.Range(0, parts.Count - 1)
                .Select(i => (Rank: merger.Rank(definition.Vocabulary[parts[i]], definition.Vocabulary[parts[i + 1]]), Index: i))
                .Where(pair => pair.Rank is not null)
                .DefaultIfEmpty()
                .Min();
            if (best.Rank is null)
                return [.. parts.Select(part => definition.Vocabulary[part])];
            parts[best.Index] += parts[best.Index + 1];
            parts.RemoveAt(best.Index + 1);
        }
    }

    private static Dictionary<string, int> Vocabulary(params string[] tokens) =>
        tokens.Select((token, id) => (token, id)).ToDictionary(entry => entry.token, entry => entry.id);

    private static int[] Symbols(Dictionary<string, int> vocabulary, string word) => [.. word.Select(c => vocabulary[c.ToString()])];

    private static IEnumerable<string> Merge(BytePairMerger merger, Dictionary<string, int> vocabulary, string word)
    {
        List<int> ids = [];
        merger.Merge(Symbols(vocabulary, word), ids);
        return ids.Select(id => vocabulary.Single(entry => entry.Value == id).Key);
    }
}
