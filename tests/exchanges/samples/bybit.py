"""One payload of every kind that Bybit spot sends, small enough to read."""

from __future__ import annotations

SYMBOLS = {"MNTUSDT": 71, "XRPEUR": 72}

SAMPLES: dict[str, bytes] = {
    "trades": b'{"topic":"publicTrade.MNTUSDT","ts":1786310821918,"type":"snapshot","data":['
    b'{"i":"2280000001739247417","T":1786310821917,"p":"1.28","v":"0.04537","S":"Sell",'
    b'"seq":178477362706,"s":"MNTUSDT","BT":false,"RPI":false},'
    b'{"i":"2280000001739247420","T":1786310821918,"p":"1.29","v":"3","S":"Buy",'
    b'"seq":178477362707,"s":"MNTUSDT","BT":false,"RPI":true}]}',
    "trades_of_2023": b'{"topic":"publicTrade.XRPEUR","type":"snapshot","ts":1672304486868,'
    b'"data":[{"T":1672304486865,"s":"XRPEUR","S":"Buy","v":"0.001","p":"0.35",'
    b'"L":"PlusTick","i":"2100000000007764263","BT":false}]}',
    "ticker": b'{"topic":"tickers.XRPEUR","ts":1786538729776,"type":"snapshot","cs":112571857121,'
    b'"data":{"symbol":"XRPEUR","lastPrice":"0.3577","highPrice24h":"0.36",'
    b'"lowPrice24h":"0.32","prevPrice24h":"0.3269","volume24h":"7217.990977",'
    b'"turnover24h":"460629823.77866687","price24hPcnt":"-0.0042","usdIndexPrice":""}}',
    "best": b'{"topic":"orderbook.1.MNTUSDT","ts":1786310816516,"type":"snapshot","data":'
    b'{"s":"MNTUSDT","b":[["1.27","12"]],"a":[["1.28","0.5"]],"u":81,"seq":112488545843},'
    b'"cts":1786310816512}',
    "snapshot": b'{"topic":"orderbook.200.MNTUSDT","ts":1786310816516,"type":"snapshot","data":'
    b'{"s":"MNTUSDT","b":[["1.27","12"],["1.26","3.5"]],"a":[["1.28","0.5"]],"u":62505424,'
    b'"seq":112488545843},"cts":1786310816512}',
    "delta": b'{"topic":"orderbook.200.MNTUSDT","ts":1786310816618,"type":"delta","data":'
    b'{"s":"MNTUSDT","b":[["1.26","0"]],"a":[["1.29","7"],["1.3","1"]],"u":62505425,'
    b'"seq":112488545865},"cts":1786310816585}',
    "delta_of_2023": b'{"topic":"orderbook.50.XRPEUR","type":"delta","ts":1687940967466,"data":'
    b'{"s":"XRPEUR","b":[["0.35","3"]],"a":[],"u":177400507,"seq":66544703342}}',
    "acknowledgement": b'{"success":true,"ret_msg":"subscribe",'
    b'"conn_id":"d9avt8shteepr00gfc1g-4zd1x","op":"subscribe"}',
    "unsubscribed": b'{"success":true,"ret_msg":"unsubscribe","conn_id":"x","op":"unsubscribe"}',
    "refusal": b'{"success":false,"ret_msg":"args size \\u003e10","conn_id":"0a555e6f",'
    b'"op":"subscribe"}',
    "pong": b'{"success":true,"ret_msg":"pong","conn_id":"0970e817","op":"ping"}',
    "kline": b'{"type":"snapshot","topic":"kline.1.MNTUSDT","data":[{"start":1786310760000,'
    b'"confirm":false}],"ts":1786310816562}',
}
