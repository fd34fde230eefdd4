using System.Globalization;
using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Names, literals and what stands in brackets.</summary>
internal sealed class PrimaryParser(TokenReader tokens, ExpressionParser expressions)
{
    public Expression Parse()
    {
        var token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                tokens.Next();
                return Name(token);
            case TokenKind.Text:
                return Text(token.Line);
            case TokenKind.Integer:
                if (token.Value.Length > TemplateLimits.IntegerDigits)
                    throw tokens.Error($"an integer has {token.Value.Length} digits; the limit is {TemplateLimits.IntegerDigits}.");
                tokens.Next();
                return new Literal(token.Line, BigInteger.Parse(token.Value, CultureInfo.InvariantCulture));
            case TokenKind.Float:
                tokens.Next();
                return new Literal(token.Line, double.Parse(token.Value, CultureInfo.InvariantCulture));
            default:
                return token.Value switch
                {
                    "(" when token.Kind == TokenKind.Operator => Parenthesis(token.Line),
                    "[" when token.Kind == TokenKind.Operator => List(token.Line),
                    "{" when token.Kind == TokenKind.Operator => Map(token.Line),
                    _ => throw tokens.Unexpected("an expression"),
                };
        }
    }

    private static Expression Name(Token token) => token.Value switch
    {
        "true" or "True" => new Literal(token.Line, true),
        "false" or "False" => new Literal(token.Line, false),
        "none" or "None" => new Literal(token.Line, None.Value),
        _ => new NameExpression(token.Line, token.Value),
    };

    // Neighbouring strings are one.
    private Literal Text(int line)
    {
        List<string> pieces = [];
        while (tokens.Current.Kind == TokenKind.Text)
            pieces.Add(tokens.Next().Value);
        return new(line, pieces.Count == 1 ? pieces[0] : string.Concat(pieces));
    }

    private Expression Parenthesis(int line)
    {
        tokens.Next();
        if (tokens.SkipOperator(")"))
            return new SequenceLiteral(line, [], SequenceKind.Tuple);
        var inner = expressions.ParseTuple();
        tokens.ExpectOperator(")");
        return inner;
    }

    private SequenceLiteral List(int line)
    {
        tokens.Next();
        List<Expression> items = [];
        while (!tokens.SkipOperator("]"))
        {
            items.Add(expressions.Parse());
            if (!tokens.SkipOperator(",") && !tokens.Current.IsOperator("]"))
                throw tokens.Unexpected("',' or ']'");
        }

        return new(line, items, SequenceKind.List);
    }

    private MapLiteral Map(int line)
    {
        tokens.Next();
        List<KeyValuePair<Expression, Expression>> entries = [];
        while (!tokens.SkipOperator("}"))
        {
            var key = expressions.Parse();
            tokens.ExpectOperator(":");
            entries.Add(new(key, expressions.Parse()));
            if (!tokens.SkipOperator(",") && !tokens.Current.IsOperator("}"))
                throw tokens.Unexpected("',' or '}'");
        }

        return new(line, entries);
    }
}
