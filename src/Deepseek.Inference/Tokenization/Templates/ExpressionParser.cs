namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Expressions, from the loosest operator to the tightest: <c>if</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparisons, <c>+ -</c>, <c>~</c>, <c>* / // %</c>, <c>**</c>, signs.</summary>
/// <remarks>
/// The order is Jinja2's (3.1, <c>parser.Parser</c>), which differs from Python's: <c>**</c> groups from the left, and filters and tests bind tighter than any operator.
/// Unknown filters and tests are refused here, but inside of an <c>if</c>, as in Jinja2, only where they are reached: a template may ask first.
/// </remarks>
internal sealed class ExpressionParser(TokenReader tokens)
{
    public Expression Parse()
    {
        tokens.Enter();
        var (line, pending) = (tokens.Line, tokens.Pending);
        var then = ParseOr();
        while (tokens.Current.IsName("if"))
        {
            tokens.Pending = pending; // what stands before an inline if may never be reached
            tokens.Next();
            tokens.Conditions++;
            var condition = ParseOr();
            var otherwise = tokens.SkipName("else") ? Parse() : null;
            tokens.Conditions--;
            then = new ConditionalExpression(line, condition, then, otherwise);
        }

        tokens.Leave();
        return then;
    }

    /// <summary>An expression without an inline <c>if</c>, as in the head of a <c>for</c>, whose own <c>if</c> follows.</summary>
    public Expression ParseOr()
    {
        var (line, left) = (tokens.Line, ParseAnd());
        while (tokens.SkipName("or"))
            left = new LogicalExpression(line, left, ParseAnd(), IsAnd: false);
        return left;
    }

    /// <summary>One expression, or a tuple where commas follow.</summary>
    public Expression ParseTuple(bool withConditional = true)
    {
        var line = tokens.Line;
        List<Expression> items = [withConditional ? Parse() : ParseOr()];
        if (!tokens.Current.IsOperator(","))
            return items[0];
        while (tokens.SkipOperator(",") && !AtTupleEnd())
            items.Add(withConditional ? Parse() : ParseOr());
        return new SequenceLiteral(line, items, SequenceKind.Tuple);
    }

    private bool AtTupleEnd() => tokens.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd || tokens.Current.IsOperator(")");

    private Expression ParseAnd()
    {
        var (line, left) = (tokens.Line, ParseNot());
        while (tokens.SkipName("and"))
            left = new LogicalExpression(line, left, ParseNot(), IsAnd: true);
        return left;
    }

    private Expression ParseNot()
    {
        if (!tokens.Current.IsName("not"))
            return ParseComparison();
        var line = tokens.Next().Line;
        tokens.Enter();
        var operand = ParseNot();
        tokens.Leave();
        return new NotExpression(line, operand);
    }

    private Expression ParseComparison()
    {
        var (line, first) = (tokens.Line, ParseBinary(0));
        List<KeyValuePair<string, Expression>> others = [];
        while (ComparisonSymbol() is { } symbol)
            others.Add(new(symbol, ParseBinary(0)));
        return others.Count == 0 ? first : new ComparisonExpression(line, first, others);
    }

    private string? ComparisonSymbol()
    {
        if (tokens.Current.Kind == TokenKind.Operator && tokens.Current.Value is "==" or "!=" or "<" or "<=" or ">" or ">=")
            return tokens.Next().Value;
        if (tokens.SkipName("in"))
            return "in";
        if (!tokens.Current.IsName("not") || !tokens.Ahead.IsName("in"))
            return null;
        tokens.Next();
        tokens.Next();
        return "not in";
    }

    // Loosest first; every level groups from the left.
    private static readonly string[][] BinaryLevels = [["+", "-"], ["~"], ["*", "/", "//", "%"], ["**"]];

    private Expression ParseBinary(int level)
    {
        if (level == BinaryLevels.Length)
            return ParseUnary(withFilters: true);
        var (line, left) = (tokens.Line, ParseBinary(level + 1));
        while (tokens.Current.Kind == TokenKind.Operator && BinaryLevels[level].Contains(tokens.Current.Value))
            left = new BinaryExpression(line, tokens.Next().Value, left, ParseBinary(level + 1));
        return left;
    }

    private Expression ParseUnary(bool withFilters)
    {
        var line = tokens.Line;
        Expression result;
        if (tokens.Current.IsOperator("-") || tokens.Current.IsOperator("+"))
        {
            var negative = tokens.Next().Value == "-";
            tokens.Enter();
            result = new SignExpression(line, ParseUnary(withFilters: false), negative);
            tokens.Leave();
        }
        else
        {
            result = new PrimaryParser(tokens, this).Parse();
        }

        result = ParsePostfix(result);
        return withFilters ? ParseFilters(result) : result;
    }

    public Expression ParsePostfix(Expression target)
    {
        while (true)
        {
            var line = tokens.Line;
            if (tokens.SkipOperator("."))
                target = ParseAttribute(line, target);
            else if (tokens.SkipOperator("["))
                target = ParseSubscript(line, target);
            else if (tokens.Current.IsOperator("("))
                target = new CallExpression(line, target, ParseArguments());
            else
                return target;
        }
    }

    private Expression ParseAttribute(int line, Expression target) => tokens.Current.Kind switch
    {
        TokenKind.Name => new AttributeExpression(line, target, tokens.Next().Value),
        TokenKind.Integer => new ItemExpression(line, target, new PrimaryParser(tokens, this).Parse()),
        _ => throw tokens.Unexpected("the name of an attribute"),
    };

    private Expression ParseSubscript(int line, Expression target)
    {
        var start = tokens.Current.IsOperator(":") ? null : Parse();
        if (start is not null && tokens.SkipOperator("]"))
            return new ItemExpression(line, target, start);

        tokens.ExpectOperator(":");
        var stop = AtBoundEnd() ? null : Parse();
        var step = tokens.SkipOperator(":") && !AtBoundEnd() ? Parse() : null;
        tokens.ExpectOperator("]");
        return new SliceExpression(line, target, start, stop, step);
    }

    private bool AtBoundEnd() => tokens.Current.IsOperator(":") || tokens.Current.IsOperator("]");

    private Expression ParseFilters(Expression target)
    {
        while (true)
        {
            var line = tokens.Line;
            if (tokens.SkipOperator("|"))
            {
                var name = tokens.ExpectName("the name of a filter");
                if (!Filters.IsKnown(name) && tokens.Conditions == 0)
                    tokens.Pending ??= tokens.Error(line, Filters.Unknown(name));
                var arguments = tokens.Current.IsOperator("(") ? ParseArguments() : CallArguments.None;
                target = new FilterExpression(line, target, name, arguments);
            }
            else if (tokens.SkipName("is"))
            {
                target = ParseTest(line, target);
            }
            else if (tokens.Current.IsOperator("("))
            {
                target = new CallExpression(line, target, ParseArguments());
            }
            else
            {
                return target;
            }
        }
    }

    private Expression ParseTest(int line, Expression target)
    {
        var negated = tokens.SkipName("not");
        var name = tokens.ExpectName("the name of a test");
        if (!Tests.IsKnown(name) && tokens.Conditions == 0)
            tokens.Pending ??= tokens.Error(line, Tests.Unknown(name));

        var arguments = CallArguments.None;
        if (tokens.Current.IsOperator("("))
            arguments = ParseArguments();
        else if (BeginsTestArgument())
            arguments = new([ParsePostfix(new PrimaryParser(tokens, this).Parse())], []);

        Expression test = new TestExpression(line, target, name, arguments);
        return negated ? new NotExpression(line, test) : test;
    }

    // A test may take one argument without parentheses: x is divisibleby 3.
    private bool BeginsTestArgument() => tokens.Current.Kind switch
    {
        TokenKind.Text or TokenKind.Integer or TokenKind.Float => true,
        TokenKind.Operator => tokens.Current.Value is "[" or "{",
        TokenKind.Name => tokens.Current.Value is not ("else" or "or" or "and" or "if" or "is" or "in" or "not"),
        _ => false,
    };

    public CallArguments ParseArguments()
    {
        tokens.ExpectOperator("(");
        List<Expression> positional = [];
        List<KeyValuePair<string, Expression>> named = [];
        while (!tokens.Current.IsOperator(")"))
        {
            if (tokens.Current.IsOperator("*") || tokens.Current.IsOperator("**"))
                throw tokens.Error($"spreading arguments by '{tokens.Current.Value}' is not supported; write them out.");
            if (tokens.Current.Kind == TokenKind.Name && tokens.Ahead.IsOperator("="))
            {
                var name = tokens.Next().Value;
                tokens.Next();
                named.Add(new(name, Parse()));
            }
            else if (named.Count > 0)
            {
                throw tokens.Error("an argument by position stands after one by name.");
            }
            else
            {
                positional.Add(Parse());
            }

            if (positional.Count + named.Count > TemplateLimits.Arguments)
                throw tokens.Error($"a call has more arguments than the limit of {TemplateLimits.Arguments}.");
            if (!tokens.SkipOperator(",") && !tokens.Current.IsOperator(")"))
                throw tokens.Unexpected("',' or ')'");
        }

        tokens.Next();
        return new(positional, named);
    }
}
