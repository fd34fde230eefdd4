namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Carries out statements and collects what they print.</summary>
internal sealed class Renderer(RenderContext context)
{
    private readonly Evaluator _evaluator = new(context);

    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    /// <summary>What <paramref name="body"/> prints.</summary>
    public string Render(IReadOnlyList<Statement> body, Scope scope)
    {
        var output = new TextBuilder(context);
        Execute(body, scope, output);
        return output.ToString();
    }

    private Flow Execute(IReadOnlyList<Statement> body, Scope scope, TextBuilder output)
    {
        foreach (var statement in body)
        {
            context.Line = statement.Line;
            context.Step();
            context.Enter();
            var flow = Execute(statement, scope, output);
            context.Leave();
            if (flow != Flow.Next)
                return flow;
        }

        return Flow.Next;
    }

    private Flow Execute(Statement statement, Scope scope, TextBuilder output)
    {
        switch (statement)
        {
            case TextStatement text: output.Append(text.Text); break;
            case OutputStatement print: output.Append(PythonText.Str(context, _evaluator.Evaluate(print.Value, scope))); break;
            case IfStatement choice: return If(choice, scope, output);
            case ForStatement loop: return For(loop, scope, output);
            case SetStatement set: Assign(set.Target, _evaluator.Evaluate(set.Value, scope), scope); break;
            case SetBlockStatement set: Assign(set.Target, Render(set.Body, new Scope(scope)), scope); break;
            case MacroStatement macro:
                context.Step(TemplateLimits.StepsPerMap);
                scope.Set(macro.Name, Macro(macro, scope));
                break;
            case ScopedStatement scoped: return Execute(scoped.Body, new Scope(scope), output);
            case BreakStatement: return Flow.Break;
            default: return Flow.Continue;
        }

        return Flow.Next;
    }

    private Flow If(IfStatement node, Scope scope, TextBuilder output)
    {
        foreach (var branch in node.Branches)
        {
            if (branch.Condition is null || Operators.IsTrue(_evaluator.Evaluate(branch.Condition, scope)))
                return Execute(branch.Body, scope, output);
        }

        return Flow.Next;
    }

    private Flow For(ForStatement node, Scope scope, TextBuilder output)
    {
        var value = _evaluator.Evaluate(node.Items, scope);
        var items = Access.Iterate(context, value);
        var length = node.Condition is null && value is not IteratorValue ? Access.Length(context, value) : null;
        var loop = new LoopValue(context, node.Condition is null ? items : Chosen(node, items, scope), length);
        var completed = false;
        while (loop.MoveNext() is { } item)
        {
            context.Step();
            var inner = new Scope(scope);
            inner.Set("loop", loop);
            Assign(node.Target, item, inner);
            var flow = Execute(node.Body, inner, output);
            completed |= flow == Flow.Next;
            if (flow == Flow.Break)
                break;
        }

        // Jinja2 carries the else out where no pass came to its end, be it that each was broken off.
        return completed ? Flow.Next : Execute(node.Otherwise, new Scope(scope), output);
    }

    // Lazily, since the condition may read what the body sets in a namespace.
    private IEnumerable<object> Chosen(ForStatement node, IEnumerable<object> items, Scope scope)
    {
        foreach (var item in items)
        {
            var inner = new Scope(scope);
            Assign(node.Target, item, inner);
            if (Operators.IsTrue(_evaluator.Evaluate(node.Condition!, inner)))
                yield return item;
        }
    }

    private void Assign(AssignmentTarget target, object value, Scope scope)
    {
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Name, value);
                break;
            case AttributeTarget attribute:
                if (scope.Find(attribute.Namespace) is not NamespaceValue space)
                    throw context.Error($"'{attribute.Namespace}.{attribute.Name}' cannot be set, since '{attribute.Namespace}' is no namespace.");
                space.Attributes[attribute.Name] = value;
                break;
            case TupleTarget tuple:
                var items = Access.ToItems(context, value);
                if (items.Count != tuple.Items.Count)
                    throw context.Error($"{items.Count} values cannot be assigned to {tuple.Items.Count} names.");
                for (var i = 0; i < items.Count; i++)
                    Assign(tuple.Items[i], items[i], scope);
                break;
        }
    }

    // A macro sees the scope that it was defined in, as it is when the macro is called.
    private CallableValue Macro(MacroStatement node, Scope definedIn) => new(node.Name, arguments =>
    {
        var line = context.Line;
        context.Enter();
        context.Step(node.Parameters.Count);
        var scope = new Scope(definedIn);
        var values = arguments.Bind(0, [.. node.Parameters.Select(parameter => parameter.Name)]);
        for (var i = 0; i < values.Length; i++)
        {
            var (name, missing) = (node.Parameters[i].Name, node.Parameters[i].Default);
            scope.Set(name, values[i] ?? (missing is null ? new Undefined($"the parameter '{name}' was not given") : _evaluator.Evaluate(missing, scope)));
        }

        var text = Render(node.Body, scope);
        context.Leave();
        context.Line = line;
        return text;
    });
}
