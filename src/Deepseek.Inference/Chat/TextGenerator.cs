using System.Runtime.CompilerServices;
using System.Text.Json;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>A model with its tokenizer and chat template: text in, text out.</summary>
/// <remarks>Thread-safe, as the model is. Disposal disposes the model.</remarks>
/// <example>
/// <code>
/// using var generator = await TextGenerator.LoadAsync(folder);
/// var reply = await generator.CompleteAsync(generator.Chat([ChatMessage.User("What is 123 + 456?")]));
/// Console.WriteLine(reply.Text);
/// </code>
/// </example>
public sealed class TextGenerator : IDisposable
{
    private readonly Lazy<ChatTemplate> _template;

    /// <summary>Joins a model and a tokenizer; takes ownership of the model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer; null where only token ids are used.</param>
    public TextGenerator(LanguageModel model, DeepseekTokenizer? tokenizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        Tokenizer = tokenizer;
        Generator = new Generator(model);
        _template = new Lazy<ChatTemplate>(() => ChatTemplate.Of(RequireTokenizer(), Model.Location));
    }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>The tokenizer; null where the folder has none.</summary>
    public DeepseekTokenizer? Tokenizer { get; }

    /// <summary>What continues sequences of tokens.</summary>
    public Generator Generator { get; }

    /// <summary>Loads a model and, where its folder has one, its tokenizer.</summary>
    /// <param name="path">The model's folder.</param>
    /// <param name="options">How it is loaded; null for the defaults.</param>
    /// <param name="progress">Told after every tensor.</param>
    /// <param name="cancellationToken">Ends loading between two tensors.</param>
    /// <inheritdoc cref="LanguageModel.LoadAsync" path="/exception" />
    public static async Task<TextGenerator> LoadAsync(
        string path, ModelOptions? options = null, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var tokenizer = File.Exists(Path.Combine(path, "tokenizer.json"))
            ? await DeepseekTokenizer.LoadAsync(path, cancellationToken).ConfigureAwait(false)
            : null;
        var model = await LanguageModel.LoadAsync(path, options, progress, cancellationToken).ConfigureAwait(false);
        try
        {
            return new TextGenerator(model, tokenizer);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The prompt of a conversation, made by the model's own chat template.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="tools">Tools as a JSON array in OpenAI's form; null for none. Where the template has no place for them, a system message describes them.</param>
    /// <param name="thinking">Whether the model thinks before it answers, where its template leaves that open or begins with the thinking; null (the default) for the template's own choice.</param>
    /// <exception cref="CheckpointFormatException">The folder has no tokenizer or no chat template.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the messages, or is at fault.</exception>
    /// <exception cref="ArgumentException">Tools, or the calls of a message, are malformed.</exception>
    public TextPrompt Chat(IReadOnlyList<ChatMessage> messages, JsonElement? tools = null, bool? thinking = null)
    {
        var tokenizer = RequireTokenizer();
        ArgumentNullException.ThrowIfNull(messages);
        var template = _template.Value;
        var offersTools = tools is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0;
        var text = template.Render(ToolProse.Prepare(messages, offersTools ? tools : null, template.Source), new ChatTemplateOptions
        {
            BeginToken = tokenizer.BeginToken,
            EndToken = tokenizer.EndToken,
            Tools = tools,
            Variables = ThinkingVariables(thinking),
        });
        if (thinking == false && ReasoningParser.EndsInReasoning(text))
            text += "\n</think>\n\n"; // a thought that is over before it began
        return new TextPrompt(tokenizer.Encode(text), SplitReasoning: true, ReasoningParser.EndsInReasoning(text))
        {
            ReadsToolCalls = offersTools,
            ToolCallForm = ToolCallForms.Of(template.Source),
        };
    }

    /// <summary>The prompt of a plain text, which is continued as it stands; special tokens written in it count as such.</summary>
    /// <param name="text">The text; the begin token is put before it where the tokenizer asks for one and the text has none.</param>
    /// <exception cref="CheckpointFormatException">The folder has no tokenizer.</exception>
    public TextPrompt Raw(string text)
    {
        var tokenizer = RequireTokenizer();
        var ids = tokenizer.Encode(text);
        var begins = tokenizer.AddBeginToken && tokenizer.BeginTokenId is { } begin && (ids.Count == 0 || ids[0] != begin);
        return new TextPrompt(begins ? [tokenizer.BeginTokenId!.Value, .. ids] : ids);
    }

    /// <summary>Continues a prompt, piece by piece.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="options">How it is continued; null for the defaults.</param>
    /// <param name="cache">A cache that holds a beginning of the prompt, and is used and extended; null for a new one.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    /// <returns>Updates as text becomes certain; the last one holds the completion.</returns>
    /// <exception cref="ArgumentException">
    /// The prompt is empty or does not fit the context, the cache is another model's or holds another text, or options are at fault; thrown before any work.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A token is not of the vocabulary.</exception>
    /// <exception cref="CheckpointFormatException">Stop strings or a constraint are given, and the folder has no tokenizer.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async IAsyncEnumerable<TextUpdate> StreamAsync(
        TextPrompt prompt, TextOptions? options = null, SequenceCache? cache = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var (request, reader) = Request(prompt, options ?? new TextOptions(), cache);
        await foreach (var token in Generator.GenerateAsync(request, cancellationToken).ConfigureAwait(false))
            yield return reader.Read(token);
    }

    /// <summary>Continues a prompt to its end.</summary>
    /// <inheritdoc cref="StreamAsync" />
    /// <returns>The whole reply.</returns>
    public async Task<TextCompletion> CompleteAsync(
        TextPrompt prompt, TextOptions? options = null, SequenceCache? cache = null, CancellationToken cancellationToken = default)
    {
        TextCompletion? completion = null;
        await foreach (var update in StreamAsync(prompt, options, cache, cancellationToken).ConfigureAwait(false))
            completion = update.Completion;
        return completion!;
    }

    /// <summary>Continues several prompts together, and hands the replies out in the prompts' order as they are complete.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="options">How they are continued; null for the defaults. All have the same seed where one is set.</param>
    /// <param name="batchSize">Prompts continued at once at most.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    /// <inheritdoc cref="Generator.GenerateBatchAsync" path="/exception" />
    public async IAsyncEnumerable<TextCompletion> CompleteBatchAsync(
        IReadOnlyList<TextPrompt> prompts, TextOptions? options = null, int batchSize = 8, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        var replies = prompts.Select(prompt => Request(prompt, options ?? new TextOptions(), null)).ToArray();
        var complete = new TextCompletion?[replies.Length];
        var next = 0;
        await foreach (var (index, token) in Generator.GenerateBatchAsync([.. replies.Select(reply => reply.Request)], batchSize, cancellationToken).ConfigureAwait(false))
        {
            complete[index] = replies[index].Reader.Read(token).Completion;
            for (; next < complete.Length && complete[next] is { } completion; next++)
                yield return completion;
        }
    }

    /// <inheritdoc />
    public void Dispose() => Model.Dispose();

    /// <summary>What the generator is asked, and what reads its tokens.</summary>
    internal (GenerationRequest Request, ReplyReader Reader) Request(TextPrompt prompt, TextOptions options, SequenceCache? cache)
    {
        options.Validate();
        if (options.StopStrings.Count > 0)
            RequireTokenizer();
        var cached = cache is null ? 0 : RequireBeginning(cache, prompt.Ids);
        var sampling = options.Generation.Sampling with { Seed = options.Generation.Sampling.Seed ?? SamplingRandom.NewSeed() };
        List<ILogitsProcessor> processors = [.. sampling.Processors ?? []];
        if (options.Constraint is { } constraint)
            processors.Add(constraint.Begin(RequireTokenizer(), prompt, Sequence.EndTokensOf(options.Generation, Model, Generator.Defaults)));
        if (options.MaxReasoningTokens is { } budget && prompt.SplitReasoning && Tokenizer?.TokenId(ReasoningParser.Close) is { } close)
            processors.Add(new ReasoningBudget(budget, close, prompt.StartsInReasoning ? null : Tokenizer.TokenId(ReasoningParser.Open)));
        sampling = sampling with { Processors = processors };
        var reader = new ReplyReader(prompt, sampling.Seed.Value, Tokenizer, options.StopStrings) { Cached = cached };
        var generation = options.Generation with { Sampling = sampling, StopRules = [.. options.Generation.StopRules, reader] };
        return (new GenerationRequest(prompt.Ids.Skip(cached).ToArray(), generation, cache), reader);
    }

    /// <summary>The names by which templates ask whether to think: V3.1's, and that of the distilled models.</summary>
    private static Dictionary<string, JsonElement>? ThinkingVariables(bool? thinking)
    {
        if (thinking is not { } value)
            return null;
        var element = JsonSerializer.SerializeToElement(value);
        return new Dictionary<string, JsonElement> { ["thinking"] = element, ["enable_thinking"] = element };
    }

    private static int RequireBeginning(SequenceCache cache, IReadOnlyList<int> ids)
    {
        var usable = Math.Min(cache.SharedWith(ids), Math.Max(0, ids.Count - 1));
        if (usable < cache.Length)
            throw new ArgumentException($"The cache holds {cache.Length} tokens, of which the prompt of {ids.Count} can use the first {usable}; cut it back to these, or give a new one.", nameof(cache));
        return usable;
    }

    private DeepseekTokenizer RequireTokenizer() => Tokenizer
        ?? throw new CheckpointFormatException(Path.Combine(Model.Location, "tokenizer.json"), null, "the file is missing; text needs it. Copy it from where the model was published, or give token ids.");
}
