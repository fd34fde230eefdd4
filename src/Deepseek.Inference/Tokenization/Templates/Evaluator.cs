namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Values of expressions.</summary>
internal sealed class Evaluator(RenderContext context)
{
    public RenderContext Context { get; } = context;

    public object Evaluate(Expression expression, Scope scope)
    {
        var line = Context.Line;
        Context.Line = expression.Line;
        Context.Step();
        Context.Enter();
        var value = expression switch
        {
            Literal literal => literal.Value,
            NameExpression name => scope.Find(name.Name) ?? new Undefined($"'{name.Name}' is undefined"),
            AttributeExpression attribute => Access.Attribute(Context, Evaluate(attribute.Target, scope), attribute.Name),
            ItemExpression item => Access.Item(Context, Evaluate(item.Target, scope), Evaluate(item.Key, scope)),
            BinaryExpression binary => Binary(binary, scope),
            ComparisonExpression comparison => Comparison(comparison, scope),
            LogicalExpression logical => Logical(logical, scope),
            NotExpression not => !Operators.IsTrue(Evaluate(not.Operand, scope)),
            FilterExpression filter => Filtered(filter, scope),
            TestExpression test => Tested(test, scope),
            CallExpression call => Call(call, scope),
            ConditionalExpression conditional => Conditional(conditional, scope),
            SliceExpression slice => Slice(slice, scope),
            SequenceLiteral sequence => Sequence(sequence, scope),
            MapLiteral map => Map(map, scope),
            SignExpression sign => Operators.Negate(Context, Evaluate(sign.Operand, scope), sign.Negative),
            _ => throw Context.Error($"{expression.GetType().Name} has no evaluation."),
        };
        Context.Leave();
        Context.Line = line;
        return value;
    }

    private object Binary(BinaryExpression node, Scope scope)
    {
        var (left, right) = (Evaluate(node.Left, scope), Evaluate(node.Right, scope));
        if (node.Symbol != "~")
            return Operators.Binary(Context, node.Symbol, left, right);
        var (first, second) = (PythonText.Str(Context, left), PythonText.Str(Context, right));
        Context.Reserve((long)first.Length + second.Length);
        return first + second;
    }

    private bool Comparison(ComparisonExpression node, Scope scope)
    {
        var left = Evaluate(node.First, scope);
        foreach (var (symbol, operand) in node.Others)
        {
            var right = Evaluate(operand, scope);
            var holds = symbol switch
            {
                "==" => Operators.AreEqual(Context, left, right),
                "!=" => !Operators.AreEqual(Context, left, right),
                "in" => Operators.Contains(Context, right, left),
                "not in" => !Operators.Contains(Context, right, left),
                "<" => Operators.Order(Context, left, right) < 0,
                "<=" => Operators.Order(Context, left, right) <= 0,
                ">" => Operators.Order(Context, left, right) > 0,
                _ => Operators.Order(Context, left, right) >= 0,
            };
            if (!holds)
                return false;
            left = right;
        }

        return true;
    }

    private object Logical(LogicalExpression node, Scope scope)
    {
        var left = Evaluate(node.Left, scope);
        return Operators.IsTrue(left) == node.IsAnd ? Evaluate(node.Right, scope) : left;
    }

    private object Conditional(ConditionalExpression node, Scope scope)
    {
        if (Operators.IsTrue(Evaluate(node.Condition, scope)))
            return Evaluate(node.Then, scope);
        return node.Otherwise is null ? new Undefined("the inline 'if' has no 'else'") : Evaluate(node.Otherwise, scope);
    }

    private object Filtered(FilterExpression node, Scope scope) =>
        Filters.Apply(Context, node.Name, Evaluate(node.Target, scope), Bind(node.Arguments, $"the filter '{node.Name}'", scope));

    private bool Tested(TestExpression node, Scope scope) =>
        Tests.Apply(Context, node.Name, Evaluate(node.Target, scope), Bind(node.Arguments, $"the test '{node.Name}'", scope));

    private object Call(CallExpression node, Scope scope)
    {
        var target = Evaluate(node.Target, scope);
        if (target is not CallableValue callable)
            throw Context.Error(target is Undefined undefined ? $"{undefined.Reason}, so it cannot be called." : $"{PythonText.TypeName(target)} cannot be called.");
        return callable.Call(Bind(node.Arguments, callable.Name, scope));
    }

    private Arguments Bind(CallArguments arguments, string callee, Scope scope)
    {
        if (arguments == CallArguments.None)
            return new(Context, callee, [], []);
        var positional = new object[arguments.Positional.Count];
        for (var i = 0; i < positional.Length; i++)
            positional[i] = Evaluate(arguments.Positional[i], scope);
        var named = new KeyValuePair<string, object>[arguments.Named.Count];
        for (var i = 0; i < named.Length; i++)
            named[i] = new(arguments.Named[i].Key, Evaluate(arguments.Named[i].Value, scope));
        return new(Context, callee, positional, named);
    }

    private object Slice(SliceExpression node, Scope scope) => Access.Slice(
        Context,
        Evaluate(node.Target, scope),
        node.Start is null ? null : Evaluate(node.Start, scope),
        node.Stop is null ? null : Evaluate(node.Stop, scope),
        node.Step is null ? null : Evaluate(node.Step, scope));

    private SequenceValue Sequence(SequenceLiteral node, Scope scope)
    {
        Context.ReserveItems(node.Items.Count);
        var items = new object[node.Items.Count];
        for (var i = 0; i < items.Length; i++)
            items[i] = Evaluate(node.Items[i], scope);
        return new(items, node.Kind);
    }

    private MapValue Map(MapLiteral node, Scope scope)
    {
        Context.ReserveMap(node.Entries.Count, 0);
        var map = new MapValue();
        foreach (var (keyNode, valueNode) in node.Entries)
        {
            var key = Evaluate(keyNode, scope);
            if (!KeyComparer.IsKey(key))
                throw Context.Error($"a mapping's key must be a string, number, boolean or None; {Operators.Describe(key)} was found.");
            if (key is string text)
                Context.Scan(text);
            map.Add(key, Evaluate(valueNode, scope));
        }

        return map;
    }
}
