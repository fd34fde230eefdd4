using System.Collections.Concurrent;
using System.Text.Json;
using Deepseek.Inference.Chat.Constraints;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>A form that a reply must have: JSON, JSON of a schema, or calls of tools.</summary>
/// <remarks>
/// <para>
/// Tokens that would leave the form are removed before one is chosen, so the text has it whatever the model would rather say; where the reply may think first, the form
/// begins after the reasoning. End tokens come only where the form is complete. A reply that is cut off by its number of tokens is the beginning of such a text.
/// </para>
/// <para>Immutable and thread-safe. It is compiled once; what it learns of a vocabulary serves all replies, so keep it.</para>
/// </remarks>
/// <example>
/// <code>
/// var constraint = TextConstraint.JsonSchema(JsonElement.Parse("""{"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}"""));
/// var reply = await generator.CompleteAsync(prompt, new TextOptions { Constraint = constraint });
/// </code>
/// </example>
public sealed class TextConstraint
{
    private readonly Func<ToolCallForm, GrammarNode> _grammar;
    private readonly ConstraintMachine _machine = new();
    private readonly ConcurrentDictionary<(ToolCallForm Form, bool Splits, bool Starts), Lazy<GrammarState>> _starts = [];

    private TextConstraint(Func<ToolCallForm, GrammarNode> grammar) => _grammar = grammar;

    /// <summary>Any JSON object, as OpenAI's <c>response_format</c> of type <c>json_object</c> asks for.</summary>
    public static TextConstraint JsonObject() => Of(new JsonNodes(barIsEscaped: false).AnyObject);

    /// <summary>JSON that meets a schema.</summary>
    /// <param name="schema">
    /// The schema. Supported are <c>type</c>, <c>properties</c>, <c>required</c>, <c>additionalProperties</c>, <c>items</c>, <c>prefixItems</c>, the bounds of lengths and counts,
    /// of whole numbers, <c>enum</c>, <c>const</c>, <c>anyOf</c>, <c>oneOf</c> (taken as <c>anyOf</c>), <c>allOf</c>, <c>$ref</c> to <c>$defs</c> or to the root, and the formats date, time, date-time and
    /// uuid; notes such as <c>description</c> mean nothing. Members come in the schema's order, and a schema that names members has no others unless it says so.
    /// </param>
    /// <exception cref="ArgumentException">The schema asks for what is not supported, is malformed, or is met by nothing; all faults are named with their paths.</exception>
    public static TextConstraint JsonSchema(JsonElement schema)
    {
        var root = schema.ValueKind == JsonValueKind.Undefined ? schema : schema.Clone();
        List<string> faults = [];
        var grammar = Grammar.Nothing;
        WithText(() =>
        {
            new SchemaCheck(root, faults).Check(new SchemaPart(root, "#"));
            if (faults.Count > 0)
                return;
            grammar = new SchemaCompiler(root, new JsonNodes(barIsEscaped: false), faults).Compile();
            if (faults.Count == 0 && !Productivity.Mark(grammar))
                faults.Add("#: no JSON value meets the schema. Look for bounds that cross, members that are required and excluded, and members that must contain themselves.");
        });
        RequireNone(faults, "The schema", nameof(schema));
        return Of(grammar);
    }

    /// <summary>One or more calls of tools in the model's own form, with arguments that meet the tools' schemas.</summary>
    /// <param name="tools">The tools as a JSON array in OpenAI's form, as <see cref="TextGenerator.Chat"/> takes them.</param>
    /// <param name="name">The function that must be called; null for any of those offered.</param>
    /// <param name="parallel">Whether there may be several calls.</param>
    /// <exception cref="ArgumentException">The tools are malformed, none has the name, or a schema asks for what is not supported; all faults are named.</exception>
    public static TextConstraint ToolCalls(JsonElement tools, string? name = null, bool parallel = true)
    {
        var functions = ToolReader.Read(tools);
        var called = name is null ? functions : [.. functions.Where(function => function.Name == name)];
        if (called.Count == 0)
            throw new ArgumentException($"name is \"{name}\"; it must be one of the tools: {string.Join(", ", functions.Select(function => function.Name))}.", nameof(name));

        List<string> faults = [];
        Dictionary<ToolCallForm, GrammarNode> grammars = [];
        WithText(() =>
        {
            foreach (var form in Enum.GetValues<ToolCallForm>())
                grammars[form] = ToolCallGrammar.Create(form, called, parallel, faults);
        });
        RequireNone(faults, "The parameters of a tool", nameof(tools));
        return new TextConstraint(form => grammars[form]);
    }

    /// <summary>The processor of one reply.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="prompt">What the reply continues.</param>
    /// <param name="endTokens">The tokens that end it.</param>
    internal ILogitsProcessor Begin(DeepseekTokenizer tokenizer, TextPrompt prompt, IReadOnlyList<int> endTokens)
    {
        var start = _starts.GetOrAdd((prompt.ToolCallForm, prompt.SplitReasoning, prompt.SplitReasoning && prompt.StartsInReasoning), kind => new(() => Start(kind.Form, kind.Splits, kind.Starts)));
        return new ConstraintProcessor(_machine, start.Value, TokenTable.Of(tokenizer), endTokens);
    }

    private GrammarState Start(ToolCallForm form, bool splits, bool starts)
    {
        var reply = ThinkingPrefix.Before(_grammar(form), splits, starts);
        Productivity.Mark(reply);
        return _machine.Start(reply);
    }

    private static TextConstraint Of(GrammarNode grammar)
    {
        Productivity.Mark(grammar);
        return new TextConstraint(_ => grammar);
    }

    private static void WithText(Action read)
    {
        try
        {
            read();
        }
        catch (InvalidOperationException fault)
        {
            throw new ArgumentException("A schema holds a string that escapes half of a surrogate pair; it must be valid Unicode.", fault);
        }
    }

    private static void RequireNone(List<string> faults, string subject, string parameter)
    {
        if (faults.Count > 0)
            throw new ArgumentException($"{subject} cannot be a constraint: {string.Join(" ", faults.Distinct())}", parameter);
    }
}
