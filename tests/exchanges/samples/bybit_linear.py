"""One payload of every kind that Bybit linear sends, small enough to read."""

from __future__ import annotations

SYMBOLS = {"SUIPERP": 73, "TONUSDT-25DEC26": 74}

SAMPLES: dict[str, bytes] = {
    "trades": b'{"topic":"publicTrade.SUIPERP","type":"snapshot","ts":1786310819681,"data":['
    b'{"T":1786310819680,"s":"SUIPERP","S":"Sell","v":"0.004","p":"3.20","L":"MinusTick",'
    b'"i":"a9188a0a-82bc-50de-be60-03eedbe3cdd7","BT":false,"RPI":false,"seq":753843954913},'
    b'{"T":1786310819681,"s":"SUIPERP","S":"Buy","v":"1.30","p":"3.21","L":"PlusTick",'
    b'"i":"00000000-0000-001f-9e60-03eedbe3cdd7","BT":false,"RPI":false,"seq":753843954914}]}',
    "trades_of_2023": b'{"topic":"publicTrade.TONUSDT-25DEC26","type":"snapshot",'
    b'"ts":1672304486868,"data":[{"T":1672304486865,"s":"TONUSDT-25DEC26","S":"Buy",'
    b'"v":"0.001","p":"6.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af",'
    b'"BT":false}]}',
    "ticker": b'{"topic":"tickers.SUIPERP","type":"snapshot","data":{"symbol":"SUIPERP",'
    b'"tickDirection":"ZeroPlusTick","lastPrice":"3.20","markPrice":"3.21","bid1Price":"3.19",'
    b'"bid1Size":"5.954","ask1Price":"3.20","ask1Size":"10.470","preOpenPrice":""},'
    b'"cs":753843907770,"ts":1786310817783}',
    "ticker_delta": b'{"topic":"tickers.SUIPERP","type":"delta","data":{"symbol":"SUIPERP",'
    b'"bid1Price":"3.18","bid1Size":"6.054"},"cs":753843907771,"ts":1786310817883}',
    "mark_price": b'{"topic":"tickers.SUIPERP","type":"delta","data":{"symbol":"SUIPERP",'
    b'"markPrice":"3.22","openInterestValue":"3899995666.09"},"cs":753843915209,'
    b'"ts":1786310818183}',
    "best": b'{"topic":"orderbook.1.TONUSDT-25DEC26","type":"snapshot","ts":1786310818129,"data":'
    b'{"s":"TONUSDT-25DEC26","b":[["6.49","1.0"]],"a":[["6.51","3.2"]],"u":90,'
    b'"seq":753843911359},"cts":1786310818027}',
    "snapshot": b'{"topic":"orderbook.200.SUIPERP","type":"snapshot","ts":1786310818129,"data":'
    b'{"s":"SUIPERP","b":[["3.19","6.054"]],"a":[["3.20","10.486"]],"u":15076952,'
    b'"seq":753843911359},"cts":1786310818027}',
    "delta": b'{"topic":"orderbook.200.SUIPERP","type":"delta","ts":1786310818130,"data":'
    b'{"s":"SUIPERP","b":[["3.18","0.005"],["3.17","0"]],"a":[["3.21","0"]],"u":15076953,'
    b'"seq":753843913870},"cts":1786310818129}',
    "acknowledgement": b'{"success":true,"ret_msg":"","conn_id":"d8bu1olkndm7crnfs1e0-j6akw",'
    b'"req_id":"","op":"subscribe"}',
    "refusal": b'{"success":false,"ret_msg":"error:handler not found,topic:tickers.NOPEUSDT",'
    b'"conn_id":"x","req_id":"","op":"subscribe"}',
    "pong": b'{"success":true,"ret_msg":"pong","conn_id":"465772b1","req_id":"","op":"ping"}',
    "kline": b'{"topic":"kline.1.SUIPERP","data":[{"start":1786310760000,"confirm":false}],'
    b'"ts":1786310818440,"type":"snapshot"}',
    "liquidation": b'{"topic":"allLiquidation.SUIPERP","type":"snapshot","ts":1739502303204,'
    b'"data":[{"T":1739502302929,"s":"SUIPERP","S":"Sell","v":"20000","p":"3.1"}]}',
}
