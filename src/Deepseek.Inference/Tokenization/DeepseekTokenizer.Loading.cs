using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization;

/// <summary>Loading.</summary>
public sealed partial class DeepseekTokenizer
{
    private const string DefinitionName = "tokenizer.json";
    private const string ConfigName = "tokenizer_config.json";

    private DeepseekTokenizer(string definitionPath, byte[] definitionContent, string configPath, byte[]? configContent)
    {
        var definition = TokenizerDefinitionReader.Read(definitionPath, definitionContent);
        var config = configContent is null ? TokenizerConfig.None : TokenizerConfig.Read(configPath, configContent);

        _ids = new Dictionary<string, int>(definition.Vocabulary);
        AddTokens(definitionPath, definition.AddedTokens);
        _texts = TextsById(definitionPath);
        _bytes = [.. _texts.Select(text => text is null ? null : ByteLevelAlphabet.Decode(text))];
        _special = new bool[_texts.Length];
        _control = new bool[_texts.Length];
        foreach (var token in definition.AddedTokens)
        {
            _special[token.Id] = token.Special;
            _control[token.Id] = token.Special || token.Content is ['<', .., '>'] or ['｜', .., '｜'];
        }

        _compose = definition.Compose;
        _splitter = definition.Splitter;
        _model = new BytePairModel(definition);
        _raw = new AddedTokenMatcher(definition.AddedTokens.Where(token => !token.Normalized).Select(token => (token.Content, token)));
        _normalized = new AddedTokenMatcher(definition.AddedTokens.Where(token => token.Normalized).Select(token => (Normalize(token.Content), token)));

        (BeginToken, EndToken) = (config.BeginToken, config.EndToken);
        (AddBeginToken, ModelMaxLength, ChatTemplateSource) = (config.AddBeginToken, config.ModelMaxLength, config.ChatTemplate);
        RequireToken(configPath, "bos_token", BeginToken);
        RequireToken(configPath, "eos_token", EndToken);
    }

    /// <summary>Loads the tokenizer of a model folder: its <c>tokenizer.json</c> and, where there is one, its <c>tokenizer_config.json</c>. No other file is opened.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="ArgumentException"><paramref name="folder"/> is null or empty.</exception>
    /// <exception cref="CheckpointFormatException">A file is missing, damaged, or asks for what is not supported.</exception>
    public static DeepseekTokenizer Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var (definition, config) = (Path.Combine(folder, DefinitionName), Path.Combine(folder, ConfigName));
        var content = JsonFile.TryRead(definition)
            ?? throw new CheckpointFormatException(definition, null, "the file is missing; a model folder holds its tokenizer under this name");
        return new DeepseekTokenizer(definition, content, config, JsonFile.TryRead(config));
    }

    /// <summary>Loads the tokenizer of a model folder on a thread of the pool; see <see cref="Load"/>.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Gives up the loading if it has not begun.</param>
    /// <exception cref="ArgumentException"><paramref name="folder"/> is null or empty.</exception>
    /// <exception cref="CheckpointFormatException">A file is missing, damaged, or asks for what is not supported.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Task<DeepseekTokenizer> LoadAsync(string folder, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return Task.Run(() => Load(folder), cancellationToken);
    }

    /// <summary>Adds the added tokens to the vocabulary; one that the vocabulary holds already must have the same id there.</summary>
    private void AddTokens(string path, IReadOnlyList<AddedToken> tokens)
    {
        HashSet<string> seen = [];
        for (var i = 0; i < tokens.Count; i++)
        {
            var (subject, token) = ($"added_tokens[{i}]", tokens[i]);
            if (!seen.Add(token.Content))
                throw new CheckpointFormatException(path, subject, $"the token '{JsonPart.Shortened(token.Content)}' occurs twice among the added tokens");
            if (!_ids.TryAdd(token.Content, token.Id) && _ids[token.Content] != token.Id)
                throw new CheckpointFormatException(path, subject, $"the token '{JsonPart.Shortened(token.Content)}' has the id {token.Id} here and {_ids[token.Content]} in the vocabulary");
        }
    }

    /// <summary>The tokens by id. Gaps are allowed as far as they do not outweigh the tokens, so that memory stays in proportion to the file.</summary>
    private string?[] TextsById(string path)
    {
        const int AllowedGaps = 4096;
        var largest = _ids.MaxBy(entry => entry.Value);
        if (largest.Value >= 2L * _ids.Count + AllowedGaps)
            throw new CheckpointFormatException(path, "model.vocab", $"the token '{JsonPart.Shortened(largest.Key)}' has the id {largest.Value} among {_ids.Count} tokens; ids must run from 0 without large gaps");

        var texts = new string?[largest.Value + 1];
        foreach (var (text, id) in _ids)
        {
            if (texts[id] is { } other)
                throw new CheckpointFormatException(path, "model.vocab", $"the tokens '{JsonPart.Shortened(other)}' and '{JsonPart.Shortened(text)}' have the same id {id}");
            texts[id] = text;
        }

        return texts;
    }

    private void RequireToken(string path, string key, string? token)
    {
        if (token is not null && !_ids.ContainsKey(token))
            throw new CheckpointFormatException(path, key, $"the token '{JsonPart.Shortened(token)}' is not in {DefinitionName}; the two files belong to different models");
    }
}
