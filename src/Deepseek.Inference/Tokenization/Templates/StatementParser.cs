using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Text, output and the statements of <c>{% … %}</c>.</summary>
internal sealed class StatementParser
{
    private const string Supported = "for, if, set, macro, break, continue, raw and generation";

    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private StatementParser(TokenReader tokens)
    {
        _tokens = tokens;
        _expressions = new(tokens);
    }

    /// <exception cref="ChatTemplateException">The template breaks the syntax, uses what is not supported, or lies too deep.</exception>
    public static IReadOnlyList<Statement> Parse(string source, string? file)
    {
        if (source.Length > TemplateLimits.SourceCharacters)
            throw new ChatTemplateException(file, 1, $"the template has {source.Length} characters; the limit is {TemplateLimits.SourceCharacters}.");
        var parser = new StatementParser(new(Lexer.Read(source, file), file));
        return parser.ParseBody(1);
    }

    /// <summary>Statements of the block at the line <paramref name="opened"/>, up to a tag that one of <paramref name="ends"/> begins, whose name is still to come, or to the end.</summary>
    private List<Statement> ParseBody(int opened, params string[] ends)
    {
        _tokens.Enter();
        List<Statement> body = [];
        while (_tokens.Current.Kind != TokenKind.End)
        {
            var token = _tokens.Next();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new TextStatement(token.Line, token.Value));
                    break;
                case TokenKind.VariableBegin:
                    body.Add(new OutputStatement(token.Line, _expressions.ParseTuple()));
                    _tokens.Expect(TokenKind.VariableEnd);
                    break;
                case TokenKind.BlockBegin when _tokens.Current.Kind == TokenKind.Name && ends.Contains(_tokens.Current.Value):
                    _tokens.Leave();
                    return body;
                default:
                    body.Add(ParseStatement(ends));
                    _tokens.Expect(TokenKind.BlockEnd);
                    break;
            }
        }

        if (ends.Length > 0)
            throw _tokens.Error(opened, $"the block is not closed by {{% {ends[^1]} %}}.");
        _tokens.Leave();
        return body;
    }

    private Statement ParseStatement(string[] ends)
    {
        var line = _tokens.Line;
        var name = _tokens.ExpectName("the name of a statement");
        return name switch
        {
            "for" => ParseFor(line),
            "if" => ParseIf(line),
            "set" => ParseSet(line),
            "macro" => ParseMacro(line),
            "generation" => ParseGeneration(line),
            "break" when _loops > 0 => new BreakStatement(line),
            "continue" when _loops > 0 => new ContinueStatement(line),
            "break" or "continue" => throw _tokens.Error(line, $"'{name}' stands outside of a loop."),
            _ when name.StartsWith("end", StringComparison.Ordinal) || name is "else" or "elif" => throw _tokens.Error(line, ends.Length == 0
                ? $"'{name}' closes nothing."
                : $"'{name}' stands where '{string.Join("' or '", ends)}' was expected."),
            _ => throw _tokens.Error(line, $"the statement '{name}' is not supported; supported are {Supported}."),
        };
    }

    private ForStatement ParseFor(int line)
    {
        var target = ParseTarget(attributes: false);
        if (!_tokens.SkipName("in"))
            throw _tokens.Unexpected("'in'");
        var items = _expressions.ParseTuple(withConditional: false);
        var condition = _tokens.SkipName("if") ? _expressions.Parse() : null;
        if (_tokens.Current.IsName("recursive"))
            throw _tokens.Error("recursive loops are not supported; write a macro that calls itself.");
        _tokens.Expect(TokenKind.BlockEnd);

        _loops++;
        var body = ParseBody(line, "else", "endfor");
        _loops--;
        List<Statement> otherwise = [];
        if (_tokens.Next().Value == "else")
        {
            _tokens.Expect(TokenKind.BlockEnd);
            otherwise = ParseBody(line, "endfor");
            _tokens.Next();
        }

        return new(line, target, items, condition, body, otherwise);
    }

    private IfStatement ParseIf(int line)
    {
        List<IfBranch> branches = [];
        for (var keyword = "if"; keyword != "endif"; keyword = _tokens.Next().Value)
        {
            _tokens.Conditions++;
            var condition = keyword == "else" ? null : _expressions.ParseTuple(withConditional: false);
            _tokens.Expect(TokenKind.BlockEnd);
            branches.Add(new(condition, keyword == "else" ? ParseBody(line, "endif") : ParseBody(line, "elif", "else", "endif")));
            _tokens.Conditions--;
        }

        return new(line, branches);
    }

    private Statement ParseSet(int line)
    {
        var target = ParseTarget(attributes: true);
        if (_tokens.SkipOperator("="))
            return new SetStatement(line, target, _expressions.ParseTuple());
        if (_tokens.Current.IsOperator("|"))
            throw _tokens.Error("filters on a block set are not supported; apply them where the variable is used.");

        _tokens.Expect(TokenKind.BlockEnd);
        var body = ParseOutsideLoops(line, "endset");
        _tokens.Next();
        return new SetBlockStatement(line, target, body);
    }

    private MacroStatement ParseMacro(int line)
    {
        var name = _tokens.ExpectName("the name of a macro");
        _tokens.ExpectOperator("(");
        List<MacroParameter> parameters = [];
        while (!_tokens.SkipOperator(")"))
        {
            var parameter = _tokens.ExpectName("the name of a parameter");
            var missing = _tokens.SkipOperator("=") ? _expressions.Parse() : null;
            if (missing is null && parameters is [.., { Default: not null }])
                throw _tokens.Error($"the parameter '{parameter}' has no default but stands after one that has.");
            if (parameters.Exists(other => other.Name == parameter))
                throw _tokens.Error($"the parameter '{parameter}' stands twice.");
            if (parameters.Count == TemplateLimits.Arguments)
                throw _tokens.Error($"the macro '{name}' has more parameters than the limit of {TemplateLimits.Arguments}.");
            parameters.Add(new(parameter, missing));
            if (!_tokens.SkipOperator(",") && !_tokens.Current.IsOperator(")"))
                throw _tokens.Unexpected("',' or ')'");
        }

        _tokens.Expect(TokenKind.BlockEnd);
        var body = ParseOutsideLoops(line, "endmacro");
        _tokens.Next();
        return new(line, name, parameters, body);
    }

    private ScopedStatement ParseGeneration(int line)
    {
        _tokens.Expect(TokenKind.BlockEnd);
        var body = ParseOutsideLoops(line, "endgeneration");
        _tokens.Next();
        return new(line, body);
    }

    // A break inside must not reach a loop around it.
    private List<Statement> ParseOutsideLoops(int line, string end)
    {
        var loops = _loops;
        _loops = 0;
        var body = ParseBody(line, end);
        _loops = loops;
        return body;
    }

    private AssignmentTarget ParseTarget(bool attributes)
    {
        var first = ParseSingleTarget(attributes);
        if (!_tokens.Current.IsOperator(","))
            return first;
        List<AssignmentTarget> items = [first];
        while (_tokens.SkipOperator(","))
        {
            if (_tokens.Current.Kind != TokenKind.Name && !_tokens.Current.IsOperator("("))
                break; // a comma at the end
            items.Add(ParseSingleTarget(attributes));
        }

        return new TupleTarget(items);
    }

    private AssignmentTarget ParseSingleTarget(bool attributes)
    {
        if (_tokens.SkipOperator("("))
        {
            _tokens.Enter();
            var inner = ParseTarget(attributes);
            _tokens.ExpectOperator(")");
            _tokens.Leave();
            return inner;
        }

        var name = _tokens.ExpectName("the name of a variable");
        if (name is "true" or "True" or "false" or "False" or "none" or "None" or "loop")
            throw _tokens.Error($"'{name}' cannot be assigned to.");
        if (!_tokens.Current.IsOperator("."))
            return new NameTarget(name);
        if (!attributes)
            throw _tokens.Error("a loop assigns to plain names only.");
        _tokens.Next();
        return new AttributeTarget(name, _tokens.ExpectName("the name of an attribute"));
    }
}
