using System.Text.Json;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tokenization.Templates;

namespace Deepseek.Inference.Tokenization;

/// <summary>The <c>chat_template</c> of a model's <c>tokenizer_config.json</c>: turns messages into the prompt that the model was trained on.</summary>
/// <remarks>
/// <para>
/// Templates are written in Jinja2 and run here as Hugging Face Transformers runs them: blocks trimmed (<c>trim_blocks</c>, <c>lstrip_blocks</c>), nothing escaped,
/// <c>tojson</c> as Python's <c>json.dumps</c> with characters beyond ASCII kept, <c>raise_exception</c>, <c>strftime_now</c>, <c>break</c> and <c>continue</c>,
/// and values that cannot be changed but for those of a <c>namespace</c>.
/// </para>
/// <para>
/// Supported are the statements for, if, set, macro, break, continue, raw and generation, all operators, and the filters, tests and methods that prompts use; an error
/// names what is not. A template is a program from a stranger: its length, depth, steps and what it builds are bounded, and exceeding a bound is an error, too.
/// </para>
/// <para>Instances never change; many threads may render at once.</para>
/// </remarks>
public sealed class ChatTemplate
{
    private readonly IReadOnlyList<Statement> _body;
    private readonly string? _file;

    private ChatTemplate(string source, string? file, IReadOnlyList<Statement> body)
    {
        Source = source;
        _file = file;
        _body = body;
    }

    /// <summary>The template as it was given.</summary>
    public string Source { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="source">The template.</param>
    /// <param name="file">The file that it comes from, for errors.</param>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> is null.</exception>
    /// <exception cref="ChatTemplateException">The template breaks the syntax, uses what is not supported, or exceeds a limit.</exception>
    public static ChatTemplate Parse(string source, string? file = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new(source, file, StatementParser.Parse(source, file));
    }

    /// <summary>The template that a model was published with.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="folder">The folder that it was loaded from, for errors.</param>
    /// <exception cref="CheckpointFormatException">The model has no template.</exception>
    /// <exception cref="ChatTemplateException">The template breaks the syntax, uses what is not supported, or exceeds a limit.</exception>
    public static ChatTemplate Of(DeepseekTokenizer tokenizer, string folder)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var file = Path.Combine(folder, "tokenizer_config.json");
        return Parse(
            tokenizer.ChatTemplateSource ?? throw new CheckpointFormatException(file, "chat_template", "the key is missing; a conversation needs the model's template. Copy the file from where the model was published, or continue plain text."),
            file);
    }

    /// <summary>The prompt for a conversation.</summary>
    /// <param name="messages">The conversation so far.</param>
    /// <param name="options">Everything else that the template is given.</param>
    /// <exception cref="ArgumentException"><paramref name="options"/> or a message holds what no template can be given; all faults of the options are named at once.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the messages, fails, or exceeds a limit.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, ChatTemplateOptions options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();

        var reader = new JsonValueReader();
        var variables = Variables(messages, options, reader);
        var context = new RenderContext(_file, options.TimeProvider, reader.Characters);
        return new Renderer(context).Render(_body, Globals.Create(context, variables));
    }

    // The names that Transformers' apply_chat_template gives; a token that the tokenizer lacks stays undefined.
    private static Dictionary<string, object> Variables(IReadOnlyList<ChatMessage> messages, ChatTemplateOptions options, JsonValueReader reader)
    {
        var variables = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["messages"] = new SequenceValue([.. messages.Select((message, i) => Read(message, i, reader))]),
            ["tools"] = options.Tools is { } tools ? Read(tools, nameof(options.Tools), reader) : None.Value,
            ["documents"] = None.Value,
            ["add_generation_prompt"] = options.AddGenerationPrompt,
        };
        if (options.BeginToken is not null)
            variables["bos_token"] = options.BeginToken;
        if (options.EndToken is not null)
            variables["eos_token"] = options.EndToken;
        foreach (var (name, value) in options.Variables ?? new Dictionary<string, JsonElement>())
            variables[name] = Read(value, $"{nameof(options.Variables)}['{name}']", reader);
        return variables;
    }

    private static MapValue Read(ChatMessage message, int index, JsonValueReader reader)
    {
        if (message is null)
            throw new ArgumentException($"messages[{index}] is null.", nameof(message));
        try
        {
            return message.ToValue(reader);
        }
        catch (ArgumentException fault)
        {
            throw new ArgumentException($"messages[{index}]: {fault.Message}", nameof(message), fault);
        }
    }

    private static object Read(JsonElement element, string subject, JsonValueReader reader)
    {
        try
        {
            return reader.Read(element);
        }
        catch (ArgumentException fault)
        {
            throw new ArgumentException($"{nameof(ChatTemplateOptions)}: {subject}: {fault.Message}", fault);
        }
    }
}
