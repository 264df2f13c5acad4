"""One payload of every kind that Upbit sends, small enough to read."""

from __future__ import annotations

SYMBOLS = {"KRW-BTC": 61, "BTC-ETH": 62}

SAMPLES: dict[str, bytes] = {
    "trade": b'{"type":"trade","code":"KRW-BTC","timestamp":1788335180423,'
    b'"trade_date":"2026-09-02","trade_time":"07:46:20","trade_timestamp":1788335180377,'
    b'"trade_price":106691000.00000000,"trade_volume":0.00009372,"ask_bid":"ASK",'
    b'"prev_closing_price":107005000.00000000,"change":"FALL","change_price":314000.00000000,'
    b'"sequential_id":17883351803770004,"best_ask_price":106705000,"best_ask_size":0.00906333,'
    b'"best_bid_price":106691000,"best_bid_size":0.00702247,"stream_type":"REALTIME"}',
    "trade_simple": b'{"ty":"trade","cd":"BTC-ETH","tms":1617646704944,"td":"2021-04-05",'
    b'"ttm":"18:18:24","ttms":1617646704000,"tp":2.1E-7,"tv":2400.0,"ab":"BID","pcp":2.2E-7,'
    b'"c":"FALL","cp":1E-8,"sid":16176467040000000,"st":"REALTIME"}',
    "ticker": b'{"type":"ticker","code":"KRW-BTC","opening_price":122720000.00000000,'
    b'"high_price":123135000.00000000,"low_price":122677000.00000000,'
    b'"trade_price":122902000.00000000,"prev_closing_price":122720000.00000000,'
    b'"acc_trade_price":19699800600.2538100000000000,"change":"RISE","change_price":182000.00,'
    b'"signed_change_price":182000.00,"change_rate":0.0014830508,"ask_bid":"ASK",'
    b'"trade_volume":0.00020372,"acc_trade_volume":160.18173252,"trade_date":"20250420",'
    b'"trade_time":"063055","trade_timestamp":1745130655618,"market_state":"ACTIVE",'
    b'"is_trading_suspended":false,"delisting_date":null,"market_warning":"NONE",'
    b'"timestamp":1745130655652,"acc_trade_volume_24h":549.81614150,"stream_type":"SNAPSHOT"}',
    "ticker_simple": b'{"ty":"ticker","cd":"BTC-ETH","op":0.03,"tp":0.0321,"tv":1.5,"atv":7E2,'
    b'"ab":"BID","ttms":1611063306000,"dd":null,"tms":1611063306635,"st":"REALTIME"}',
    "orderbook": b'{"type":"orderbook","code":"KRW-BTC","timestamp":1790134742106,'
    b'"total_ask_size":0.02132481,"total_bid_size":0.09250301,"orderbook_units":['
    b'{"ask_price":1.16539E8,"bid_price":1.16538E8,"ask_size":0.02054761,"bid_size":0.08120946},'
    b'{"ask_price":1.16542E8,"bid_price":1.16537E8,"ask_size":0.00077720,"bid_size":0.01129382}],'
    b'"stream_type":"SNAPSHOT","level":0}',
    "orderbook_simple": b'{"ty":"orderbook","cd":"BTC-ETH","tms":1617646620673,"tas":3.5,'
    b'"tbs":7.0,"obu":[{"ap":0.0322,"bp":0.0321,"as":1.5,"bs":7.0},'
    b'{"ap":0.0323,"bp":0,"as":2,"bs":0}],"st":"REALTIME"}',
    "list": b'[{"type":"trade","code":"BTC-ETH","trade_timestamp":1788335180377,'
    b'"trade_price":0.0321,"trade_volume":2,"ask_bid":"BID","sequential_id":"17883351803770000"},'
    b'{"type":"orderbook","code":"BTC-ETH","timestamp":1788335180400,"orderbook_units":[]}]',
    "other_order": b'{"code":"KRW-BTC","sequential_id":17883351803770005,"ask_bid":"BID",'
    b'"trade_volume":1,"trade_price":2,"trade_timestamp":1788335180377,"type":"trade"}',
    "subscriptions": b'{"method":"LIST_SUBSCRIPTIONS","result":['
    b'{"type":"ticker","codes":["KRW-BTC","BTC-ETH"]},{"type":"trade","codes":["BTC-ETH"]},'
    b'{"type":"orderbook","codes":["KRW-BTC.15"],"level":0},{"type":"myAsset"}],"ticket":"x"}',
    "subscriptions_simple": b'{"mthd":"LIST_SUBSCRIPTIONS","rslt":['
    b'{"ty":"orderbook","cds":["BTC-ETH"],"lv":0}],"tckt":"x"}',
    "error": '{"error":{"name":"WRONG_FORMAT","message":"Format 이 맞지 않습니다."}}'.encode(),
    "status": b'{"status":"UP"}',
    "candle": b'{"type":"candle.1m","code":"KRW-BTC","trade_price":91157000.00000000}',
}
