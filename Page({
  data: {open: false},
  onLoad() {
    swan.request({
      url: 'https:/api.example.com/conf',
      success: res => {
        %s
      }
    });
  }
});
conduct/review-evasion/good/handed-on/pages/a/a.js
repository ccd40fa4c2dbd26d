const {ask} = require('../../utils/conf');
Page({
  data: {newest: false},
  onShow() {
    ask(value => this.setData({newest: value}));
  }
});
