import json, time, os
import pytest
from django.db import connection
from django.contrib.auth.models import User
from django.utils import timezone
from datetime import timedelta
from jobs.models import Job
from jobs.states import State
from tests.support.counting_host import counting_host
from tests.support.host_callers import start_callers
from tests.support.servers import throw_away

@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("inf","rate","secs","threads","server"), [(8,50,8,20,0.02),(8,50,8,20,0.1),(8,None,6,20,0.05),(None,50,6,20,0.02),(None,200,6,64,0.05),(8,50,6,2,0.02)])
def test_bench(inf, rate, secs, threads, server, owner):
    lease = timezone.now()+timedelta(hours=1)
    jobs=[[str(Job.objects.create(kind="call",queue="calls",owner=owner,payload={},state=State.RUNNING,fencing_token=1,lease_expires_at=lease,max_attempts=5,started_at=timezone.now()).pk),1] for _ in range(3*threads)]
    url = throw_away.database_url(connection.settings_dict["NAME"])
    with connection.cursor() as c:
        c.execute("select xact_commit from pg_stat_database where datname=current_database()")
        before=c.fetchone()[0]
    with counting_host(seconds=server) as host:
        ps=[start_callers(url,key=host.key,jobs=jobs[i*threads:(i+1)*threads],seconds=secs,in_flight=inf,per_second=rate) for i in range(3)]
        outs=[json.loads(p.communicate()[0]) for p in ps]
    time.sleep(1.2)
    with connection.cursor() as c:
        c.execute("select xact_commit from pg_stat_database where datname=current_database()")
        after=c.fetchone()[0]
        c.execute("select taken, (select count(*) from calls_turn) from calls_host"); print(c.fetchall())
    a=sorted(host.arrivals); span=a[-1]-a[0]
    from tests.support.counting_host import CountingHost
    st=CountingHost(arrivals=[x for o in outs for x in o["starts"]])
    print("client starts: most/1s", st.most_within(1.0), "0.1:", st.most_within(.1))
    waits=sorted(w for o in outs for w in o["waits"]); delays=[d for o in outs for d in o["delays"]]
    print("\n", (inf,rate,threads,server), "n",len(a),"rate %.1f/s"%((len(a)-1)/span),"most in flight",host.most_in_flight,"most/1s",host.most_within(1.0),"most/0.1",host.most_within(.1),"p50 wait %.3f p95 %.3f"%(waits[len(waits)//2],waits[int(len(waits)*.95)]),"postponed",len(delays),"errors",[o["errors"][:2] for o in outs], "commits/s %.0f"%((after-before)/span))
