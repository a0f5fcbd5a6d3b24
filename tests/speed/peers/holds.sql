-- Accounts, what is held of them, and one function that ends some legs and prepares others: one call is one
-- transaction, one commit and one sync, however many payments are in it. Only one connection calls it.

create table accounts (
  account int primary key,
  balance bigint not null check (balance >= 0)
) with (fillfactor = 20); -- Room on each page for new versions of its rows, which then need no index entry.

create table held (
  payment bigint primary key,
  account int not null,
  amount bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- Answers of each new leg whether it is prepared.
create function advance(
  committed bigint[], aborted bigint[], payments bigint[], legs int[], amounts bigint[]
) returns boolean[] language plpgsql as $$
declare
  prepared boolean[];
begin
  if committed <> '{}' then
    with ended as (
      delete from held where payment = any (committed) returning account, amount
    ), credits as (
      select account, sum(amount) as amount from ended where amount > 0 group by account
    )
    update accounts set balance = balance + credits.amount
      from credits where accounts.account = credits.account;
  end if;

  if aborted <> '{}' then
    with ended as (
      delete from held where payment = any (aborted) returning account, amount
    ), debits as (
      select account, sum(amount) as amount from ended where amount < 0 group by account
    )
    update accounts set balance = balance - debits.amount
      from debits where accounts.account = debits.account;
  end if;

  if payments = '{}' then
    return '{}';
  end if;

  -- Nearly always there is enough for all of them, and a few statements do for all.
  if not exists (
    select from (
      select leg.account, sum(least(leg.amount, 0)) as debit
        from unnest(legs, amounts) as leg (account, amount) group by leg.account
    ) as wanted left join accounts using (account)
    where balance is null or balance + debit < 0
  ) then
    update accounts set balance = balance + wanted.debit
      from (
        select leg.account, sum(leg.amount) as debit
          from unnest(legs, amounts) as leg (account, amount) where leg.amount < 0 group by leg.account
      ) as wanted
      where accounts.account = wanted.account;
    insert into held select * from unnest(payments, legs, amounts);
    return array_fill(true, array[cardinality(payments)]);
  end if;

  for i in 1 .. cardinality(payments) loop
    update accounts set balance = balance + least(amounts[i], 0)
      where account = legs[i] and balance + least(amounts[i], 0) >= 0;
    prepared[i] := found;
    if found then
      insert into held values (payments[i], legs[i], amounts[i]);
    end if;
  end loop;
  return prepared;
end
$$;
