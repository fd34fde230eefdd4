using System.Text.Json;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Calls of offered functions, in the form of a model.</summary>
internal static class ToolCallGrammar
{
    private static readonly JsonNodes Json = new(barIsEscaped: true);

    /// <summary>The texts that call one function or, where they may, several.</summary>
    /// <param name="form">The model's form.</param>
    /// <param name="functions">The functions: a name and the schema of the arguments.</param>
    /// <param name="parallel">Whether there may be more than one call.</param>
    /// <param name="faults">Receives what a grammar cannot keep to.</param>
    public static GrammarNode Create(ToolCallForm form, IReadOnlyList<(string Name, JsonElement Parameters)> functions, bool parallel, List<string> faults)
    {
        var call = Grammar.Choice(functions.Select(function => Call(form, function.Name, function.Parameters, faults)));
        if (form.IsMarkup())
        {
            var tag = form.MarkupName();
            return Grammar.Sequence(
                [.. Tag("<", $"{tag}>\n"), Grammar.Repeat(call, 1, parallel ? null : 1), .. Tag("</", $"{tag}>")]);
        }

        var more = Grammar.Repeat(Grammar.Sequence(Grammar.Optional(Grammar.Text("\n")), call), 0, parallel ? null : 0);
        return Grammar.Sequence(Grammar.Marker(ToolCallMarks.CallsBegin), call, more, Grammar.Marker(ToolCallMarks.CallsEnd));
    }

    private static GrammarNode Call(ToolCallForm form, string name, JsonElement parameters, List<string> faults)
    {
        List<string> own = [];
        new SchemaCheck(parameters, own).Check(new SchemaPart(parameters, "#"));
        if (own.Count > 0)
        {
            faults.AddRange(own.Select(fault => $"{name}: {fault}"));
            return Grammar.Nothing;
        }

        var compiler = new SchemaCompiler(parameters, Json, own);
        var arguments = form.IsMarkup() ? compiler.CompileMarkup() : compiler.CompileObject();
        if (own.Count == 0 && !Productivity.Mark(arguments))
            own.Add("#: no arguments meet the schema; a call needs an object that does.");
        faults.AddRange(own.Select(fault => $"{name}: {fault}"));
        return form switch
        {
            ToolCallForm.Typed => Grammar.Sequence(
                Grammar.Marker(ToolCallMarks.CallBegin), Grammar.Text("function"), Grammar.Marker(ToolCallMarks.Separator),
                Grammar.Text($"{name}\n```json\n"), arguments, Grammar.Text("\n```"), Grammar.Marker(ToolCallMarks.CallEnd)),
            ToolCallForm.Named => Grammar.Sequence(
                Grammar.Marker(ToolCallMarks.CallBegin), Grammar.Text(name), Grammar.Marker(ToolCallMarks.Separator), arguments, Grammar.Marker(ToolCallMarks.CallEnd)),
            _ => Grammar.Sequence([.. Tag("<", $"invoke name=\"{name}\">\n"), arguments, .. Tag("</", "invoke>\n")]),
        };
    }

    private static GrammarNode[] Tag(string begin, string end) => [Grammar.Text(begin), Grammar.Marker(ToolCallMarks.Dsml), Grammar.Text(end)];
}
