namespace Deepseek.Inference.Tokenization;

/// <summary>What a <c>tokenizer.json</c> says.</summary>
/// <param name="Vocabulary">Ids of the tokens that bytes are merged into, by their byte-level text.</param>
/// <param name="Merges">Pairs in the order of their priority; tokens and results are in the vocabulary.</param>
/// <param name="IgnoreMerges">A piece that is a token as a whole is taken as it is (Llama 3).</param>
/// <param name="AddedTokens">Tokens that are found in the text itself.</param>
/// <param name="Compose">The text is brought into normalisation form C first (Qwen2).</param>
/// <param name="Splitter">How text is cut into pieces.</param>
internal sealed record TokenizerDefinition(
    Dictionary<string, int> Vocabulary, IReadOnlyList<(string Left, string Right)> Merges, bool IgnoreMerges,
    IReadOnlyList<AddedToken> AddedTokens, bool Compose, TextSplitter Splitter);
